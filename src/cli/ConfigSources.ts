/**
 * Where settings come from: a flag wins over the environment, the environment
 * over `.env`, `.env` over the default. A value that is refused is named as the
 * place that it comes from names it.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { printable } from "../report/Format.ts"
import * as HomeDirectory from "../settings/HomeDirectory.ts"
import * as PythonSettings from "../settings/PythonSettings.ts"
import * as Settings from "../settings/Settings.ts"
import * as DotEnv from "./DotEnv.ts"
import * as Logging from "./Logging.ts"

/** A file that a flag names could not be read. */
export class KeyFileError extends Schema.TaggedError<KeyFileError>()("KeyFileError", {
  flag: Schema.String,
  path: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.flag} ${this.path}: ${this.detail}`
  }
}

/** Reads a key from a file. */
export const readKey = Effect.fn("ConfigSources.readKey")(function*(path: string, flag = "--key-file") {
  const files = yield* FileSystem.FileSystem
  const text = yield* HomeDirectory.expand(path).pipe(
    Effect.flatMap((expanded) => files.readFileString(expanded)),
    Effect.mapError((error) =>
      new KeyFileError({ flag, path, detail: error._tag === "HomeUnknownError" ? "there is no home directory" : DotEnv.inWords(error) }))
  )
  const key = text.trim()
  if (key === "") return yield* new KeyFileError({ flag, path, detail: "the file is empty" })
  return Redacted.make(key)
})

/** What flags say about settings. */
export interface Flags {
  readonly url?: Option.Option<string>
  readonly natsUrl?: Option.Option<string>
  readonly keyFile?: Option.Option<string>
  readonly server?: Option.Option<string>
  readonly serverKeyFile?: Option.Option<string>
  readonly noColor?: boolean
  readonly verbose?: boolean
}

/** The value of a setting, and the flag that says so. */
interface Flag {
  readonly value: string
  readonly flag: string
}

const given = Effect.fnUntraced(function*(
  {
    keyFile = Option.none(),
    natsUrl = Option.none(),
    noColor,
    server = Option.none(),
    serverKeyFile = Option.none(),
    url = Option.none(),
    verbose
  }: Flags
) {
  const flags = new Map<string, Flag>()
  const set = (name: string, value: string, flag: string) => flags.set(name, { value, flag })
  if (Option.isSome(url)) set(Settings.agamemnonUrl.name, url.value, "--url")
  if (Option.isSome(natsUrl)) set(Settings.natsUrl.name, natsUrl.value, "--nats-url")
  if (Option.isSome(keyFile)) {
    set(Settings.agamemnonApiKey.name, Redacted.value(yield* readKey(keyFile.value)), `--key-file ${keyFile.value}`)
  }
  if (Option.isSome(server)) set(Settings.serverUrl.name, server.value, "--server")
  if (Option.isSome(serverKeyFile)) {
    const flag = "--server-key-file"
    set(Settings.serverKey.name, Redacted.value(yield* readKey(serverKeyFile.value, flag)), `${flag} ${serverKeyFile.value}`)
  }
  if (noColor === true) set("NO_COLOR", "1", "--no-color")
  if (verbose === true) set(Settings.logLevel.name, "debug", "--verbose")
  return flags
})

/** Where the value of a variable comes from. */
interface Sources {
  readonly flags: ReadonlyMap<string, Flag>
  readonly dotEnv: DotEnv.DotEnv
}

const environment = ConfigProvider.fromEnv()

const isInEnvironment = (name: string) => Effect.isSuccess(environment.load(Config.string(name)))

const isFromDotEnv = ({ dotEnv, flags }: Sources, name: string) =>
  flags.has(name) || !dotEnv.values.has(name) ? Effect.succeed(false) : Effect.negate(isInEnvironment(name))

const inDotEnv = ({ dotEnv }: Sources, name: string) => `.env:${dotEnv.lineOf(name)} ${name}`

/** Names a variable as the place does that it comes from. */
const placeOf = Effect.fnUntraced(function*(sources: Sources, name: string) {
  const flag = sources.flags.get(name)
  if (flag !== undefined) return flag.flag
  if (yield* isInEnvironment(name)) return `${name} in the environment`
  return sources.dotEnv.values.has(name) ? inDotEnv(sources, name) : name
})

/** Says of each value that is refused where it comes from. */
const located = (sources: Sources, error: ConfigError.ConfigError): Effect.Effect<ConfigError.ConfigError> => {
  switch (error._op) {
    case "And":
      return Effect.zipWith(located(sources, error.left), located(sources, error.right), ConfigError.And)
    case "InvalidData":
      return Effect.map(placeOf(sources, error.path.join(".")), (place) => ConfigError.InvalidData([place], error.message))
    default:
      return Effect.succeed(error)
  }
}

/** The variables whose values are refused. */
const namesIn = (error: ConfigError.ConfigError): ReadonlyArray<string> =>
  error._op === "And" || error._op === "Or" ? [...namesIn(error.left), ...namesIn(error.right)] : [error.path.join(".")]

/** All that the command can be told. What reads destinations takes a while to load, and is needed where something is refused. */
export const everything = Effect.map(
  Effect.promise(() => import("../workflow/NotifySetting.ts")),
  ({ config }) => [...Settings.all, { name: Settings.notify.name, config }]
)

/** Adds whatever else is refused, so that all of it can be mended at once. */
const withOthers = Effect.fnUntraced(function*(values: ConfigProvider.ConfigProvider, error: ConfigError.ConfigError) {
  const told = new Set(namesIn(error))
  const others = (yield* everything).filter(({ name }) => !told.has(name))
  return yield* Effect.reduce(others, error, (all, { config }) =>
    Effect.match(values.load(config), { onSuccess: () => all, onFailure: (other) => ConfigError.And(all, other) }))
})

const providerOf = (sources: Sources): ConfigProvider.ConfigProvider => {
  const values = ConfigProvider.fromMap(new Map([...sources.flags].map(([name, { value }]) => [name, value]))).pipe(
    ConfigProvider.orElse(() => environment),
    ConfigProvider.orElse(() => ConfigProvider.fromMap(new Map(sources.dotEnv.values)))
  )
  return ConfigProvider.make({
    load: (config) =>
      values.load(config).pipe(
        // Whoever asks for what is not set knows what holds then.
        Effect.catchIf((error) => !ConfigError.isMissingDataOnly(error), (error) =>
          Effect.flatMap(withOthers(values, error), (all) => Effect.flatMap(located(sources, all), Effect.fail)))
      ),
    flattened: values.flattened
  })
}

/** Layer of what `--no-color` and the environment say, for a command that needs no setting: none that is wrong stops it. */
export const colors = (noColor: boolean) =>
  Layer.setConfigProvider(
    noColor ? ConfigProvider.orElse(ConfigProvider.fromMap(new Map([["NO_COLOR", "1"]])), () => environment) : environment
  )

/** Settings whose variables other programs have as well, with words of their own. */
const shared = [Settings.logLevel, Settings.logFormat]

/** Leaves out what `.env` says to other programs, and says so. */
const withoutForeign = Effect.fnUntraced(function*(sources: Sources) {
  const values = new Map(sources.dotEnv.values)
  const notes: Array<string> = []
  for (const { config, fallback, name, range } of shared) {
    if (!(yield* isFromDotEnv(sources, name)) || (yield* Effect.isSuccess(providerOf(sources).load(config)))) continue
    notes.push(
      `${inDotEnv(sources, name)}: expected ${range}, found ${JSON.stringify(values.get(name))}; ` +
        `it may be meant for another program, and ${fallback} is used`
    )
    values.delete(name)
  }
  return { sources: { ...sources, dotEnv: { ...sources.dotEnv, values } }, notes }
})

/** A value that is not what it looks like is always said, however little is logged. */
const sayWhatIsCut = (sources: Sources) =>
  Effect.forEach(Settings.all, ({ name }) =>
    Effect.if(isFromDotEnv(sources, name), {
      onFalse: () => Effect.void,
      onTrue: () =>
        sources.dotEnv.isCut(name)
          ? Console.error(printable(`${inDotEnv(sources, name)}: its value ends before the #, from which on a comment is read; quotes keep it`))
          : Effect.void
    }), { discard: true })

/** Layer of the settings in their order of precedence, and of the logger that they ask for. */
export const layer = (flags: Flags) =>
  Layer.scopedDiscard(Effect.gen(function*() {
    const all = { flags: yield* given(flags), dotEnv: yield* DotEnv.read }
    const { notes, sources } = yield* withoutForeign(all)
    yield* sayWhatIsCut(sources)
    yield* Effect.withConfigProviderScoped(providerOf(sources))
    yield* Logging.install
    yield* Effect.forEach(notes, (note) => Effect.logWarning(note), { discard: true })
    const unused = PythonSettings.withoutMeaning([...sources.dotEnv.values.keys()])
    if (unused !== undefined) yield* Effect.logInfo(`.env has variables ${unused}`)
  }))
