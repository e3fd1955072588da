/** What is wrong with an expression, and where in its text. */

/** A part of a text by its offsets: its first character, and the one behind its last. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** A name that nothing has, and the names that there are. */
export interface Misspelt {
  readonly name: string
  readonly names: ReadonlyArray<string>
}

/** Something that is wrong. Its offsets count in the text that was given. */
export interface Fault extends Span {
  readonly found: string
  readonly expected: string
  readonly misspelt?: Misspelt | undefined
}

/** The same fault in a text that has the given one at an offset. */
export const shifted = (fault: Fault, offset: number): Fault => ({ ...fault, start: fault.start + offset, end: fault.end + offset })

const shown = 60

/** Puts a piece of an expression in quotes, shortened where it is long. */
export const quote = (text: string): string => JSON.stringify(text.length > shown ? `${text.slice(0, shown)}…` : text)
