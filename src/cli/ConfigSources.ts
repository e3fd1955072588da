/**
 * Where settings come from: a flag wins over the environment, the environment
 * over `.env`, `.env` over the default.
 */
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as PlatformConfigProvider from "@effect/platform/PlatformConfigProvider"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Settings from "../settings/Settings.ts"
import * as Logging from "./Logging.ts"

const inWords = (error: PlatformError): string => {
  const reason = error._tag === "SystemError" ? error.reason : undefined
  switch (reason) {
    case "NotFound":
      return "no such file"
    case "PermissionDenied":
      return "no permission to read it"
    default:
      return `cannot be read (${error.message})`
  }
}

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
export const readKey = Effect.fn("ConfigSources.readKey")(function*(path: string) {
  const files = yield* FileSystem.FileSystem
  const text = yield* Effect.mapError(
    files.readFileString(path),
    (error) => new KeyFileError({ path, detail: inWords(error) })
  )
  const key = text.trim()
  if (key === "") return yield* new KeyFileError({ path, detail: "the file is empty" })
  return Redacted.make(key)
})

/** A `.env` file is there and could not be read. */
export class DotEnvError extends Schema.TaggedError<DotEnvError>()("DotEnvError", { detail: Schema.String }) {
  override get message(): string {
    return `.env: ${this.detail}`
  }
}

// A `.env` file is a convenience: one that is missing says nothing.
const readDotEnv = PlatformConfigProvider.fromDotEnv(".env").pipe(
  Effect.catchAll((error) =>
    error._tag === "SystemError" && error.reason === "NotFound"
      ? Effect.succeed(ConfigProvider.fromMap(new Map()))
      : new DotEnvError({ detail: inWords(error) })
  )
)

/** What flags say about settings. */
export interface Flags {
  readonly url?: Option.Option<string>
  readonly natsUrl?: Option.Option<string>
  readonly keyFile?: Option.Option<string>
  readonly noColor?: boolean
  readonly verbose?: boolean
}

/** Layer of the settings in their order of precedence, and of the logger that they ask for. */
export const layer = (flags: Flags) => Layer.provideMerge(Logging.layer, settings(flags))

const settings = ({ keyFile = Option.none(), natsUrl = Option.none(), noColor, url = Option.none(), verbose }: Flags) =>
  Layer.unwrapEffect(Effect.gen(function*() {
    const flags = new Map<string, string>()
    if (Option.isSome(url)) flags.set(Settings.agamemnonUrl.name, url.value)
    if (Option.isSome(natsUrl)) flags.set(Settings.natsUrl.name, natsUrl.value)
    if (Option.isSome(keyFile)) {
      flags.set(Settings.agamemnonApiKey.name, Redacted.value(yield* readKey(keyFile.value)))
    }
    if (noColor === true) flags.set("NO_COLOR", "1")
    if (verbose === true) flags.set(Settings.logLevel.name, "debug")
    const dotEnv = yield* readDotEnv
    const environment = ConfigProvider.fromMap(flags).pipe(
      ConfigProvider.orElse(() => ConfigProvider.fromEnv()),
      ConfigProvider.orElse(() => dotEnv)
    )
    return Layer.setConfigProvider(environment)
  }))
