/** The programs that a person has added to those that are known, and what tokens cost, in the configuration file of the command. */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Arr from "effect/Array"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as BuiltInPrograms from "../embedded/program/BuiltInPrograms.ts"
import { Prices } from "../embedded/program/Prices.ts"
import { ProgramAdapter } from "../embedded/program/ProgramAdapter.ts"
import * as HomeDirectory from "../settings/HomeDirectory.ts"
import * as Settings from "../settings/Settings.ts"
import * as SchemaProblems from "../workflow/SchemaProblems.ts"
import * as WorkflowFile from "../workflow/WorkflowFile.ts"
import * as WorkflowProblem from "../workflow/WorkflowProblem.ts"
import * as YamlTree from "../workflow/YamlTree.ts"

const File = Schema.Struct({
  programs: Schema.optionalWith(
    Schema.Record({ key: Schema.String, value: ProgramAdapter }).annotations(SchemaProblems.expects("a map of the names of programs")),
    { exact: true }
  ),
  prices: Schema.optionalWith(Prices, { exact: true })
}).annotations(SchemaProblems.expects("a map with the keys programs and prices"))

/** What the file says. */
interface Said {
  readonly adapters: Readonly<Record<string, ProgramAdapter>>
  readonly prices: Prices
}

const nothing: Said = { adapters: {}, prices: {} }

const decode = ParseResult.decodeUnknownEither(File, { errors: "all", onExcessProperty: "error" })

/** Where the file is, if there is a place for it: below XDG_CONFIG_HOME when that is absolute, as its specification says. */
export const path = Effect.gen(function*() {
  const base = Option.filter(yield* Effect.option(Config.string("XDG_CONFIG_HOME")), (each) => each.startsWith("/"))
  const directory = Option.isSome(base) ? base : yield* Effect.option(HomeDirectory.expand("~/.config"))
  return Option.map(directory, (each) => `${each}/telemachy/config.yaml`)
})

/** A program that is known has what the file does not say of it. */
const completed = (value: unknown): unknown => {
  if (!Predicate.isRecord(value) || !Predicate.isRecord(value["programs"])) return value
  const known: Readonly<Record<string, unknown>> = BuiltInPrograms.written
  return {
    ...value,
    programs: Object.fromEntries(Object.entries(value["programs"]).map(([name, program]) =>
      [name, Predicate.isRecord(program) && Object.hasOwn(known, name) ? { ...Object(known[name]), ...program } : program]))
  }
}

/** Reads the text of a configuration file. */
export const parse = (text: string, source: string): Either.Either<Said, WorkflowProblem.WorkflowInvalid> =>
  Either.gen(function*() {
    const tree = yield* Either.mapLeft(YamlTree.read(WorkflowFile.withoutMark(text)), (listed) => WorkflowProblem.invalid(source, listed))
    const { locate, repeatedKeys, value, writtenAt } = tree
    // A file of nothing says nothing.
    const decoded = decode(completed(value ?? {}))
    const found = Either.isLeft(decoded) ? SchemaProblems.findings(decoded.left) : []
    const problems = [
      ...repeatedKeys.problems,
      ...found.map((finding) =>
        WorkflowProblem.make(finding, { position: locate(finding.path, finding.atKey === true, finding.within), written: writtenAt(finding.path), workflow: value }))
    ]
    if (Either.isRight(decoded) && problems.length === 0) {
      const { prices = {}, programs = {} } = decoded.right
      return { adapters: programs, prices }
    }
    return yield* Either.left(WorkflowProblem.invalid(source, { problems: Arr.sort(problems, WorkflowProblem.byPosition), omitted: repeatedKeys.omitted }))
  })

/** Reads the configuration file. One that is not there says nothing. */
export const read = Effect.fn("ProgramsFile.read")(function*() {
  const files = yield* FileSystem.FileSystem
  const place = Option.getOrUndefined(yield* path)
  // Below what is no directory there is nothing; what cannot be looked at is said when it is read.
  const isThere = (each: string) =>
    Effect.catchAll(files.exists(each), (error) => Effect.succeed(error._tag !== "SystemError" || error.reason !== "BadResource"))
  if (place === undefined || !(yield* isThere(place))) return nothing
  return yield* parse(yield* WorkflowFile.read(place), place)
})

/** What programs stand for: the command lines of the settings, and the entries of the file; and what tokens cost. */
export const options = Effect.gen(function*() {
  const programs = Option.getOrElse(yield* Settings.programs.config, () => new Map<string, string>())
  return { programs: Object.fromEntries(programs), ...(yield* read()) }
})
