/** What a task has to say when it has ended: a text, of which the end is kept. */

/** The most bytes of a result that are kept. A longer one is cut, with a mark where its beginning was. */
export const limit = 64 * 1024

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80

/** Cuts a result to its end, between two characters, when so many bytes before it have been left out already. */
export const cut = (result: string, omitted = 0): string => {
  // A character of a text has at most three bytes.
  if (omitted === 0 && result.length <= limit / 3) return result
  const bytes = new TextEncoder().encode(result)
  if (omitted === 0 && bytes.length <= limit) return result
  const mark = (left: number) => `[${omitted + left} bytes before this were left out]\n`
  let start = Math.max(0, bytes.length - limit + mark(bytes.length).length)
  while (isContinuation(bytes[start])) start += 1
  return mark(start) + new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(start))
}
