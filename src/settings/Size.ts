/** A size in bytes, as it is written: a number with a unit. */
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"

const units: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  kb: 1000,
  mb: 1000 ** 2,
  gb: 1000 ** 3,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3
}

/** What counts as one, in words. */
export const range = "a size such as 64 kB, 50 MB or 1 GiB"

const parse = (text: string): Option.Option<number> => {
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?) *([a-z]*)$/i.exec(text.trim()) ?? []
  const factor = units[unit.toLowerCase()]
  const bytes = number === undefined || factor === undefined ? Number.NaN : Math.round(Number(number) * factor)
  return Number.isSafeInteger(bytes) ? Option.some(bytes) : Option.none()
}

/** Writes a size in the largest unit in which it is a whole number. */
export const format = (bytes: number): string => {
  const [unit = "B", factor = 1] = ([["GB", 1000 ** 3], ["MB", 1000 ** 2], ["kB", 1000]] as const)
    .find(([, each]) => bytes >= each && bytes % each === 0) ?? []
  return `${bytes / factor} ${unit}`
}

/** Schema of a size, a number of bytes. */
export const Size = Schema.transformOrFail(Schema.String, Schema.Number, {
  strict: true,
  decode: (text, _, ast) =>
    Option.match(parse(text), {
      onNone: () => ParseResult.fail(new ParseResult.Type(ast, text, `expected ${range}`)),
      onSome: ParseResult.succeed
    }),
  encode: (bytes) => ParseResult.succeed(format(bytes))
})
