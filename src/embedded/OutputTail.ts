/**
 * The end of what a process writes: the last bytes of it, cut between two
 * characters, however much there was.
 */

/** Keeps the end of one or more streams of text. */
export class OutputTail {
  private readonly limit: number
  private readonly buffer: Uint8Array
  private length = 0

  constructor(limit: number) {
    this.limit = limit
    this.buffer = new Uint8Array(2 * limit)
  }

  /** Makes a writer for one stream, whose characters can be cut anywhere into chunks. */
  writer(): (chunk: Uint8Array) => void {
    const decoder = new TextDecoder()
    const encoder = new TextEncoder()
    return (chunk) => this.append(encoder.encode(decoder.decode(chunk, { stream: true })))
  }

  /** The end of all that was written. */
  get text(): string {
    let start = Math.max(0, this.length - this.limit)
    while (isContinuation(this.buffer[start])) start += 1
    return new TextDecoder().decode(this.buffer.subarray(start, this.length))
  }

  private append(chunk: Uint8Array): void {
    const bytes = chunk.subarray(Math.max(0, chunk.length - this.limit))
    if (this.length + bytes.length > this.buffer.length) {
      this.buffer.copyWithin(0, this.length - this.limit, this.length)
      this.length = this.limit
    }
    this.buffer.set(bytes, this.length)
    this.length += bytes.length
  }
}

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80
