/**
 * The end of what a process writes: the last bytes of it, cut between two
 * characters, however much there was.
 */

/** What is kept of the output of a process. */
export interface Kept {
  readonly text: string
  /** How many bytes before that are not kept. */
  readonly omitted: number
}

/** Invalid bytes become U+FFFD, and a mark of byte order stays what it is. */
const makeDecoder = () => new TextDecoder("utf-8", { ignoreBOM: true })

/** Keeps the end of one or more streams of text. */
export class OutputTail {
  private readonly limit: number
  private buffer = new Uint8Array(0)
  private readonly encoder = new TextEncoder()
  private readonly decoders: Array<ReturnType<typeof makeDecoder>> = []
  private length = 0
  private dropped = 0

  constructor(limit: number) {
    this.limit = limit
  }

  /** Makes a writer for one stream, whose characters can be cut anywhere into chunks. */
  writer(): (chunk: Uint8Array) => void {
    const decoder = makeDecoder()
    this.decoders.push(decoder)
    return (chunk) => this.append(this.encoder.encode(decoder.decode(chunk, { stream: true })))
  }

  /** Says that nothing more comes: what began a character and did not end it is no character (U+FFFD). */
  end(): void {
    for (const decoder of this.decoders) this.append(this.encoder.encode(decoder.decode()))
  }

  /** The end of all that was written. */
  get kept(): Kept {
    let start = Math.max(0, this.length - this.limit)
    while (isContinuation(this.buffer[start])) start += 1
    return { text: makeDecoder().decode(this.buffer.subarray(start, this.length)), omitted: this.dropped + start }
  }

  private append(chunk: Uint8Array): void {
    const bytes = chunk.subarray(Math.max(0, chunk.length - this.limit))
    this.dropped += chunk.length - bytes.length
    if (this.length + bytes.length > this.buffer.length) this.grow(this.length + bytes.length)
    if (this.length + bytes.length > this.buffer.length) {
      this.dropped += this.length - this.limit
      this.buffer.copyWithin(0, this.length - this.limit, this.length)
      this.length = this.limit
    }
    this.buffer.set(bytes, this.length)
    this.length += bytes.length
  }

  /** Makes room for so many bytes, or for twice as many as are kept: most programs write little. */
  private grow(needed: number): void {
    const before = this.buffer
    const size = Math.min(2 * this.limit, Math.max(needed, 2 * before.length, smallest))
    if (size === before.length) return
    this.buffer = new Uint8Array(size)
    this.buffer.set(before)
  }
}

/** The bytes that there is room for at first. */
const smallest = 1024

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80
