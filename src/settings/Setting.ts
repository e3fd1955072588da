/** What a setting is, and the kinds that there are. */
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Seconds from "./Seconds.ts"

/** How a setting is documented. */
export interface Description {
  /** The environment variable. */
  readonly name: string
  /** What it means, in a sentence. */
  readonly description: string
  /** What it can be. */
  readonly range: string
  /** What holds when it is not set, in words or as a value is written. */
  readonly fallback: string
  /** Whether it may hold what nobody else must see, programs that are started here included. */
  readonly isSecret?: true
}

/** A setting that can be read from the environment. */
export interface Setting<A> extends Description {
  /** Reads and checks it. The error of a value out of range names the variable. */
  readonly config: Config.Config<A>
}

/** A setting that has a value when it is not set. */
export interface DefaultedSetting<A> extends Setting<A> {
  /** The value when it is not set. */
  readonly default: A
}

const read = (name: string) => Config.option(Config.string(name))

/** What was said: an empty value says nothing. */
const said = (value: Option.Option<string>) => Option.filter(Option.map(value, (text) => text.trim()), (text) => text !== "")

const decode = <A>({ name, range }: Description, schema: Schema.Schema<A, string>) => (value: string) =>
  Either.mapLeft(Schema.decodeEither(schema)(value), () =>
    ConfigError.InvalidData([name], `expected ${range}, found ${JSON.stringify(value)}`))

const parsedBy = <A>(
  description: Description,
  parse: (value: string) => Either.Either<A, ConfigError.ConfigError>
): Setting<Option.Option<A>> => ({
  ...description,
  config: Config.mapOrFail(read(description.name), (value) =>
    Option.match(said(value), {
      onNone: () => Either.right(Option.none<A>()),
      onSome: (text) => Either.map(parse(text), Option.some)
    }))
})

/** A setting that can be unset. */
export const optional = <A>(
  { schema, ...description }: Description & { readonly schema: Schema.Schema<A, string> }
): Setting<Option.Option<A>> => parsedBy(description, decode(description, schema))

/** A setting that can be unset and is read by a parser of its own, which knows what can be shown of it. */
export const parsed = <A>(
  { parse, ...description }: Description & { readonly parse: (value: string) => Either.Either<A, string> }
): Setting<Option.Option<A>> =>
  parsedBy(description, (value) =>
    Either.mapLeft(parse(value), (problem) => ConfigError.InvalidData([description.name], problem)))

/** A setting that can be unset and may hold a secret. */
export const secret = <A extends Redacted.Redacted<unknown>>(
  description: Description & { readonly parse: (value: string) => Either.Either<A, string> }
): Setting<Option.Option<A>> => parsed({ ...description, isSecret: true })

/** A setting that has a default. */
export const withDefault = <A>(
  { schema, ...given }: Omit<Description, "fallback"> & { readonly default: A; readonly schema: Schema.Schema<A, string> }
): DefaultedSetting<A> => {
  const description = { ...given, fallback: Schema.encodeSync(schema)(given.default) }
  return {
    ...description,
    config: Config.mapOrFail(read(given.name), (value) =>
      Option.match(said(value), {
        onNone: () => Either.right(given.default),
        onSome: decode(description, schema)
      }))
  }
}

const Time = Schema.transform(
  Schema.NumberFromString.pipe(Schema.finite(), Schema.filter(Seconds.isValid)),
  Schema.DurationFromSelf,
  { strict: true, decode: (value) => Duration.seconds(value), encode: Duration.toSeconds }
)

/** A time, written as a number of seconds. */
export const duration = (
  name: string,
  fallback: Duration.DurationInput,
  description: string
): DefaultedSetting<Duration.Duration> =>
  withDefault({
    name,
    description,
    default: Duration.decode(fallback),
    range: Seconds.range,
    schema: Time
  })

/** A number of things. */
export const count = (name: string, fallback: number, description: string): DefaultedSetting<number> =>
  withDefault({
    name,
    description,
    default: fallback,
    range: "a whole number greater than 0",
    schema: Schema.NumberFromString.pipe(Schema.int(), Schema.positive())
  })
