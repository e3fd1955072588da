/** The secrets of a workflow: those of a file that a flag names, and else those of the environment and of `.env`. */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as RunEnvironment from "../executor/RunEnvironment.ts"
import { printable } from "../report/Format.ts"
import * as HomeDirectory from "../settings/HomeDirectory.ts"
import * as Secrets from "../workflow/Secrets.ts"
import type { WorkflowSpec } from "../workflow/WorkflowSpec.ts"
import * as DotEnv from "./DotEnv.ts"

/** The file of secrets could not be read. */
export class SecretsFileError extends Schema.TaggedError<SecretsFileError>()("SecretsFileError", {
  path: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `--secrets-file ${this.path}: ${this.detail}`
  }
}

const ofOthers = 0o077

/** Reads the file that the flag names. What it has besides is for other workflows. */
export const read = Effect.fn("GivenSecrets.read")(function*(spec: WorkflowSpec, file: Option.Option<string>) {
  const secrets = Secrets.needed(spec)
  const dotEnv = yield* DotEnv.read
  const given = Option.isSome(file) ? yield* readFile(file.value) : undefined
  for (const name of secrets) {
    if (given?.values.has(name) === true) yield* sayIfCut(given, name, `${Option.getOrElse(file, () => "")}:${given.lineOf(name)} ${name}`)
    // One that is in the environment wins.
    else if ((yield* Effect.option(Config.string(name))).pipe(Option.contains(dotEnv.values.get(name)))) {
      yield* sayIfCut(dotEnv, name, `.env:${dotEnv.lineOf(name)} ${name}`)
    }
  }
  return Object.fromEntries(secrets.flatMap((name) => {
    const value = given?.values.get(name)
    return value === undefined ? [] : [[name, Redacted.make(value)]]
  }))
})

/** Finds the values of all secrets of a workflow that is about to be run, before anything else is begun. */
export const resolve = Effect.fn("GivenSecrets.resolve")(function*(spec: WorkflowSpec, file: Option.Option<string>) {
  return yield* RunEnvironment.secretsOf(spec, yield* read(spec, file))
})

const readFile = Effect.fn("GivenSecrets.readFile")(function*(path: string) {
  const files = yield* FileSystem.FileSystem
  const failure = (detail: string) => new SecretsFileError({ path, detail })
  const expanded = yield* Effect.mapError(HomeDirectory.expand(path), () => failure("there is no home directory"))
  const inWords = Effect.mapError((error: Parameters<typeof DotEnv.inWords>[0]) => failure(DotEnv.inWords(error)))
  const { mode } = yield* inWords(files.stat(expanded))
  if ((mode & ofOthers) !== 0) {
    yield* Effect.logWarning(`${path} holds secrets, and other users of this machine may read it: chmod 600 keeps it from them`)
  }
  return DotEnv.parse(yield* inWords(files.readFileString(expanded)))
})

/** A value that is not what it looks like is always said. */
const sayIfCut = (file: DotEnv.DotEnv, name: string, place: string) =>
  file.isCut(name)
    ? Console.error(printable(`${place}: its value ends before the #, from which on a comment is read; quotes keep it`))
    : Effect.void
