/**
 * What the program of an agent may take of the machine, with all that it starts:
 * memory, processors, processes and open files.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as SchemaProblems from "./SchemaProblems.ts"

/** The keys of limits, as a file writes them. */
export const keys = ["memory", "cpu", "processes", "open_files"] as const

/** A key of limits. */
export type Key = typeof keys[number]

const units: ReadonlyMap<string, number> = new Map([["k", 1024], ["m", 1024 ** 2], ["g", 1024 ** 3], ["t", 1024 ** 4]])

/** Less than the first nothing starts with, and no machine has more than the last. */
const memoryRange = { least: 6 * 1024 ** 2, most: 1024 ** 5 }

const words = {
  memory: "a size such as 512m or 4g (k, m, g and t count in steps of 1024), from 6m to 1024t",
  cpu: "a number of processors, as 2 or 0.5, from 0.01 to 4096",
  processes: "a whole number from 1 to 4194304",
  open_files: "a whole number from 16 to 1048576"
} as const

const written = /^\s*(\d+(?:\.\d+)?)\s*([kmgt])(?:i?b)?\s*$/i

const bytesOf = (text: string): Option.Option<number> => {
  const [, number, unit = ""] = written.exec(text) ?? []
  if (number === undefined) return Option.none()
  // In whole kibibytes, which is how it is written back.
  return Option.some(Math.floor(Number(number) * (units.get(unit.toLowerCase()) ?? 0) / 1024) * 1024)
}

const isMemory = (bytes: number): boolean => bytes >= memoryRange.least && bytes <= memoryRange.most

/**
 * Writes a size in the largest unit in which it is a whole number.
 *
 * @example memoryInWords(4 * 1024 ** 3) // "4g"
 */
export const memoryInWords = (bytes: number): string => {
  const [unit = "k", factor = 1024] = [...units].toReversed().find(([, each]) => bytes % each === 0) ?? []
  return `${Math.floor(bytes / factor)}${unit}`
}

/** Schema of a size of memory, which is a number of bytes. Written back, it is a text with a unit. */
const Memory = Schema.transformOrFail(
  Schema.String.annotations({ jsonSchema: { type: "string", pattern: "^\\s*\\d+(?:\\.\\d+)?\\s*[kmgtKMGT](?:i?[bB])?\\s*$" }, ...SchemaProblems.expects(words.memory) }),
  Schema.Number.pipe(Schema.filter(isMemory, {
    arbitrary: () => (fc) => fc.integer({ min: 6, max: 65_536 }).map((each) => each * 1024 ** 2)
  })),
  {
    strict: true,
    decode: (text, _, ast) =>
      Option.match(Option.filter(bytesOf(text), isMemory), {
        onNone: () => Effect.fail(new ParseResult.Type(ast, text, words.memory)),
        onSome: (bytes) => Effect.succeed(bytes)
      }),
    encode: (bytes) => ParseResult.succeed(memoryInWords(bytes))
  }
).annotations(SchemaProblems.expects(words.memory))

const Cpu = Schema.Number.pipe(
  Schema.filter((cpus) => cpus >= 0.01 && cpus <= 4096, {
    jsonSchema: { minimum: 0.01, maximum: 4096 },
    arbitrary: () => (fc) => fc.integer({ min: 1, max: 6400 }).map((hundredths) => hundredths / 100),
    ...SchemaProblems.expects(words.cpu)
  })
)

const countFrom = (least: number, most: number, expected: string) =>
  Schema.Number.pipe(
    Schema.filter((count) => Number.isSafeInteger(count) && count >= least && count <= most, {
      jsonSchema: { minimum: least, maximum: most, multipleOf: 1 },
      arbitrary: () => (fc) => fc.integer({ min: least, max: 10_000 }),
      ...SchemaProblems.expects(expected)
    })
  )

const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })

const Fields = Schema.Struct({
  memory: optional(Memory.annotations({
    description: "How much memory the processes of a task may have, all of them together: 512m, 4g. Where only prlimit can hold it, each " +
      "of them by itself."
  })),
  cpu: optional(Cpu.annotations({ description: "How many processors the processes of a task may use at once, all of them together." })),
  processes: optional(countFrom(1, 4_194_304, words.processes).annotations({
    description: "How many processes and threads a task may have at once."
  })),
  openFiles: optional(countFrom(16, 1_048_576, words.open_files).annotations({
    description: "How many files each process of a task may have open at once."
  })).pipe(Schema.fromKey("open_files"))
})

/** Schema of limits: each of them can be left out, but not all. */
export const AgentLimits = Schema.transform(
  Fields,
  Schema.typeSchema(Fields).pipe(
    Schema.filter((limits) => Object.keys(limits).length > 0, {
      arbitrary: () => (fc) => fc.record({ processes: fc.integer({ min: 1, max: 1000 }) }),
      ...SchemaProblems.expects(`a map with the keys ${keys.join(", ")}`, `a map with at least one of the keys ${keys.join(", ")}`)
    })
  ),
  { strict: true, decode: (limits) => limits, encode: (limits) => limits }
)
/** Limits: memory in bytes, processors, and counts. */
export interface AgentLimits extends Schema.Schema.Type<typeof AgentLimits> {}

/** Each limit in words, as a file writes it. */
export const inWords = ({ cpu, memory, openFiles, processes }: AgentLimits): ReadonlyArray<readonly [key: Key, amount: string]> => [
  ...(memory === undefined ? [] : [["memory", memoryInWords(memory)] as const]),
  ...(cpu === undefined ? [] : [["cpu", String(cpu)] as const]),
  ...(processes === undefined ? [] : [["processes", String(processes)] as const]),
  ...(openFiles === undefined ? [] : [["open_files", String(openFiles)] as const])
]
