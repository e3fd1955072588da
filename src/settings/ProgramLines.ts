/**
 * Names of programs and the command lines that they stand for, written in one
 * text: `name=command line`, several separated by `;`. Quotes and backslashes
 * hold a `;` as they do in the shell that the lines are for.
 */
import * as Either from "effect/Either"

/** What a text of them looks like, in words. */
export const range = "name=command line, several separated by ;"

const pair = /^\s*([^=\s]+)\s*=\s*(\S[^]*?)\s*$/

/** Text up to a `;` that nothing holds: what stands for itself, what a backslash holds, and what quotes do. */
const untilSemicolon = /^(?:[^;'"\\]|\\[^]|'[^']*'|"(?:[^"\\]|\\[^])*")*/

/** Reads names and command lines. On the left is what is wrong, in words. */
export const parse = (value: string): Either.Either<ReadonlyMap<string, string>, string> => {
  const lines = new Map<string, string>()
  const found = JSON.stringify(value)
  for (let start = 0; start <= value.length;) {
    const rest = value.slice(start)
    const text = untilSemicolon.exec(rest)?.[0] ?? ""
    const sign = rest.charAt(text.length)
    const [, name, line] = pair.exec(sign === ";" ? text : rest) ?? []
    if (sign === "'" || sign === '"') {
      const where = name === undefined ? "" : ` in the command line of ${name}`
      return Either.left(`expected a ${sign} that closes the quote${where}, found ${found}`)
    }
    if (name !== undefined && line !== undefined) lines.set(name, line)
    else if (text.trim() !== "") return Either.left(`expected ${range}, found ${found}`)
    start += text.length + 1
  }
  return Either.right(lines)
}
