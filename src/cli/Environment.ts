/**
 * Where settings come from: a flag wins over the environment, the environment
 * over `.env`, `.env` over the default.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as PlatformConfigProvider from "@effect/platform/PlatformConfigProvider"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Settings from "../Settings.ts"
import * as Logging from "./Logging.ts"

/** A file that a flag names could not be read. */
export class KeyFileError extends Schema.TaggedError<KeyFileError>()("KeyFileError", {
  path: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `--key-file ${this.path}: ${this.detail}`
  }
}

/** Reads a key from a file. */
export const readKey = Effect.fn("Environment.readKey")(function*(path: string) {
  const files = yield* FileSystem.FileSystem
  const text = yield* Effect.mapError(
    files.readFileString(path),
    (error) => new KeyFileError({ path, detail: error.message })
  )
  const key = text.trim()
  if (key === "") return yield* new KeyFileError({ path, detail: "the file is empty" })
  return Redacted.make(key)
})

/** What flags say about settings. */
export interface Flags {
  readonly url: Option.Option<string>
  readonly keyFile: Option.Option<string>
  readonly verbose?: boolean
}

/** Layer of the settings in their order of precedence, and of the logger that they ask for. */
export const layer = (flags: Flags) => Layer.provideMerge(Logging.layer, settings(flags))

const settings = ({ keyFile, url, verbose }: Flags) =>
  Layer.unwrapEffect(Effect.gen(function*() {
    const flags = new Map<string, string>()
    if (Option.isSome(url)) flags.set(Settings.agamemnonUrl.name, url.value)
    if (Option.isSome(keyFile)) {
      flags.set(Settings.agamemnonApiKey.name, Redacted.value(yield* readKey(keyFile.value)))
    }
    if (verbose === true) flags.set(Settings.logLevel.name, "debug")
    // A `.env` file is a convenience: one that is missing says nothing.
    const dotEnv = yield* Effect.option(PlatformConfigProvider.fromDotEnv(".env"))
    const environment = ConfigProvider.fromMap(flags).pipe(
      ConfigProvider.orElse(() => ConfigProvider.fromEnv()),
      ConfigProvider.orElse(() => Option.getOrElse(dotEnv, () => ConfigProvider.fromMap(new Map())))
    )
    return Layer.setConfigProvider(environment)
  }))
