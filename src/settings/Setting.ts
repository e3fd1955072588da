/** What a setting is, and the kinds that there are. */
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** A setting that can be read from the environment. */
export interface Setting<A> {
  /** The environment variable. */
  readonly name: string
  /** What it means, in a sentence. */
  readonly description: string
  /** What it can be. */
  readonly range: string
  /** What holds when it is not set, in words. */
  readonly fallback: string
  /** Reads and checks it. The error of a value out of range names the variable. */
  readonly config: Config.Config<A>
}

/** What a setting is made of. */
export interface Definition<A> {
  readonly name: string
  readonly description: string
  readonly range: string
  readonly fallback: string
  readonly schema: Schema.Schema<A, string>
}

const text = (name: string) =>
  Config.option(Config.string(name)).pipe(
    Config.map(Option.map((value) => value.trim())),
    Config.map(Option.filter((value) => value !== ""))
  )

const decode = <A>({ name, range, schema }: Definition<A>, value: string) =>
  Either.mapLeft(Schema.decodeEither(schema)(value), () =>
    ConfigError.InvalidData([name], `expected ${range}, found ${JSON.stringify(value)}`))

/** A setting that can be unset. */
export const optional = <A>(definition: Definition<A>): Setting<Option.Option<A>> => ({
  ...definition,
  config: Config.mapOrFail(text(definition.name), Option.match({
    onNone: () => Either.right(Option.none()),
    onSome: (value) => Either.map(decode(definition, value), Option.some)
  }))
})

/** Reads what may hold a secret: only its parser knows what can be shown of it. */
export const parsed = <A>(name: string, parse: (value: string) => Either.Either<A, string>) =>
  Config.mapOrFail(text(name), Option.match({
    onNone: () => Either.right(Option.none<A>()),
    onSome: (value) =>
      Either.mapBoth(parse(value), {
        onLeft: (problem) => ConfigError.InvalidData([name], problem),
        onRight: Option.some
      })
  }))

/** A setting whose default is written as a value would be. */
export const withDefault = <A>(definition: Definition<A>): Setting<A> => ({
  ...definition,
  config: Config.mapOrFail(text(definition.name), (value) =>
    decode(definition, Option.getOrElse(value, () => definition.fallback)))
})

/** A time. */
export const seconds = (name: string, fallback: string, description: string) =>
  withDefault({
    name,
    description,
    fallback,
    range: "a number of seconds greater than 0",
    schema: Schema.transform(
      // Not only greater than 0, but so that a duration can tell it from 0.
      Schema.NumberFromString.pipe(
        Schema.finite(),
        Schema.filter((value) => Duration.greaterThan(Duration.seconds(value), Duration.zero))
      ),
      Schema.DurationFromSelf,
      { strict: true, decode: (value) => Duration.seconds(value), encode: Duration.toSeconds }
    )
  })

/** A number of things. */
export const count = (name: string, fallback: string, description: string) =>
  withDefault({
    name,
    description,
    fallback,
    range: "a whole number greater than 0",
    schema: Schema.NumberFromString.pipe(Schema.int(), Schema.positive())
  })
