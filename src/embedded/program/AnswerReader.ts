/**
 * Reads what a program answers in the JSON that it writes to its standard
 * output: its result, its session, what it has used, and whether it has failed.
 * No more of it is kept than that.
 */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { ProgramAdapter } from "./ProgramAdapter.ts"

type Output = NonNullable<ProgramAdapter["output"]>
type Place = Output["result"][number]
type Sign = Output["failure"][number]

/** What a program has answered. What it has not said is not there. */
export interface Answer {
  readonly result?: string
  readonly error?: string
  readonly session?: string
  /** As a worker writes it: US dollars and tokens. */
  readonly usage?: Readonly<Record<string, number>>
  readonly hasFailed: boolean
}

/** Reads the standard output of one program. */
export interface AnswerReader {
  readonly write: (chunk: Uint8Array) => void
  /** The answer, when nothing more comes; none when there was no JSON. */
  readonly end: () => Option.Option<Answer>
}

/** The longest line, or document, that is read: a longer one is left out. */
const mostBytes = 16 * 1024 * 1024

const parse = Schema.decodeUnknownOption(Schema.parseJson())

/** The values at a path of keys, of which `*` stands for every entry. */
const valuesAt = (value: unknown, path: string): ReadonlyArray<unknown> =>
  path.split(".").reduce<ReadonlyArray<unknown>>((values, key) =>
    values.flatMap((each): ReadonlyArray<unknown> => {
      if (!Predicate.isRecord(each) && !Array.isArray(each)) return []
      if (key === "*") return Object.values(each)
      return Object.hasOwn(each, key) ? [Object.entries(each).find(([name]) => name === key)?.[1]] : []
    }), [value])

const applies = (value: unknown, { when }: Pick<Place, "when">): boolean =>
  Object.entries(when).every(([path, wanted]) => valuesAt(value, path).includes(wanted))

const valuesOf = (value: unknown, places: ReadonlyArray<Place>): ReadonlyArray<unknown> =>
  places.flatMap((place) => (applies(value, place) ? valuesAt(value, place.at) : []))

const isSign = (value: unknown, sign: Sign): boolean =>
  applies(value, sign) && valuesAt(value, sign.at).some((found) => {
    if (sign.is !== undefined) return found === sign.is
    if (sign.not !== undefined) return found !== sign.not
    return found !== undefined && found !== null && found !== false && found !== ""
  })

/** The last text that is there, and says anything. */
const textOf = (value: unknown, places: ReadonlyArray<Place>): string | undefined =>
  valuesOf(value, places).filter(Predicate.isString).findLast((text) => text.trim() !== "")

const numbersOf = (value: unknown, places: ReadonlyArray<Place>): ReadonlyArray<number> =>
  valuesOf(value, places).filter((each): each is number => typeof each === "number" && Number.isFinite(each))

/** Makes what reads the answer of a program whose output is like this. */
export const make = (output: Output): AnswerReader => {
  const told: { -readonly [Name in "result" | "error" | "session"]?: string } = {}
  const used = new Map<string, number>()
  const { cachedTokens, inputTokens, outputTokens, usd } = output.usage
  const amounts = { usd, input_tokens: inputTokens, output_tokens: outputTokens, cached_tokens: cachedTokens }
  let isRead = false
  let hasFailed = false
  let pending: Array<Uint8Array> = []
  let size = 0

  const take = (text: string): boolean => {
    const parsed = parse(text)
    if (Option.isNone(parsed) || !Predicate.isRecord(parsed.value)) return false
    isRead = true
    for (const name of ["result", "error", "session"] as const) {
      const found = textOf(parsed.value, output[name])
      if (found !== undefined) told[name] = found
    }
    for (const [name, places] of Object.entries(amounts)) {
      for (const number of numbersOf(parsed.value, places)) used.set(name, (used.get(name) ?? 0) + number)
    }
    hasFailed ||= output.failure.some((sign) => isSign(parsed.value, sign))
    return true
  }

  const hold = (chunk: Uint8Array) => {
    size += chunk.length
    if (size <= mostBytes) pending.push(chunk)
    else pending = []
  }

  const release = (): string => {
    const text = size <= mostBytes ? Buffer.concat(pending).toString() : ""
    pending = []
    size = 0
    return text
  }

  return {
    write: (chunk) => {
      if (output.format === "json") return hold(chunk)
      let start = 0
      for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
        hold(chunk.subarray(start, end))
        take(release())
        start = end + 1
      }
      hold(chunk.subarray(start))
    },
    end: () => {
      const text = release()
      // What a program has written before its JSON is none of it.
      const begun = output.format === "json" ? text.search(/^\s*\{/m) : -1
      if (!take(text) && begun > 0) take(text.slice(begun))
      return isRead
        ? Option.some({ ...told, hasFailed, ...(used.size === 0 ? {} : { usage: Object.fromEntries(used) }) })
        : Option.none()
    }
  }
}
