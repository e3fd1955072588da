/**
 * What the agent of another attempt is told of the check that the one before
 * has failed: it is the end of the description, as far as there is room for it.
 */
import { maxBytes } from "../workflow/WorkflowText.ts"

/** What stands between a description and that. */
const beginning = "\n\nThis was tried before. "

/** The least bytes of it that are worth telling. */
const least = 40

const mark = "[…] "

const encoder = new TextEncoder()

/** Puts it below a description. What does not fit is left out at the beginning of what was said, and never of the description. */
export const below = (description: string, failure: string): string => {
  const room = maxBytes.description - encoder.encode(description + beginning).length
  const bytes = encoder.encode(failure)
  if (bytes.length <= room) return `${description}${beginning}${failure}`
  if (room < least) return description
  let start = bytes.length - room + encoder.encode(mark).length
  while (((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1
  return `${description}${beginning}${mark}${new TextDecoder().decode(bytes.subarray(start))}`
}

/** A description without that. */
export const without = (description: string): string => {
  const at = description.lastIndexOf(beginning)
  return at === -1 ? description : description.slice(0, at)
}
