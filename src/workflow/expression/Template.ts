/**
 * A text with expressions in it: `Plan ${{ inputs.ticket }}`. Whatever else has
 * a dollar sign, as `$X` and `${HOME}`, is text.
 */
import * as Either from "effect/Either"
import type { Fault } from "./Fault.ts"

/** A part of a template: text that stands for itself, or the text of an expression and where that begins. */
export type Part =
  | { readonly _tag: "Literal"; readonly text: string }
  | { readonly _tag: "Expression"; readonly source: string; readonly start: number }

const opening = "${{"
const closing = "}}"

/** How many expressions a text may have: each of them can be wrong, and is looked for in the text of the file then. */
const maxExpressions = 200

/** Whether a text has anything to evaluate. */
export const isTemplate = (text: string): boolean => text.includes(opening)

/** Takes a text apart. */
export const parse = (text: string): Either.Either<ReadonlyArray<Part>, Fault> => {
  const parts: Array<Part> = []
  let rest = 0
  let expressions = 0
  for (let open = text.indexOf(opening); open !== -1; open = text.indexOf(opening, rest)) {
    const start = open + opening.length
    const end = closeOf(text, start)
    if (end === -1) {
      return Either.left({ start: open, end: start, found: `an open ${opening}`, expected: `a ${closing} that closes it` })
    }
    if (++expressions > maxExpressions) {
      return Either.left({ start: open, end: start, found: `more than ${maxExpressions} expressions`, expected: "fewer in one text" })
    }
    if (open > rest) parts.push({ _tag: "Literal", text: text.slice(rest, open) })
    const written = text.slice(start, end).trimEnd()
    const source = written.trimStart()
    parts.push({ _tag: "Expression", source, start: start + written.length - source.length })
    rest = end + closing.length
  }
  if (rest < text.length) parts.push({ _tag: "Literal", text: text.slice(rest) })
  return Either.right(parts)
}

/** Finds the end of an expression, which is not within quotes. */
const closeOf = (text: string, start: number): number => {
  let isQuoted = false
  for (let position = start; position < text.length; position++) {
    if (text[position] === "'") isQuoted = !isQuoted
    else if (!isQuoted && text.startsWith(closing, position)) return position
  }
  return -1
}
