/** A PostgreSQL for tests, if the environment names one. */
import * as Reactivity from "@effect/experimental/Reactivity"
import { PgClient } from "@effect/sql-pg"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"

const given = Effect.runSync(Config.option(Config.redacted("TELEMACHY_TEST_POSTGRES_URL")))

/** Whether there is none. */
export const isMissing = Option.isNone(given)

/** Says in the name of a test that it is left out without one. */
export const named = (name: string) => (isMissing ? `${name} (left out: TELEMACHY_TEST_POSTGRES_URL is not set)` : name)

/** Asks the server. */
export const ask = (statement: string) =>
  Effect.gen(function*() {
    const url = Option.getOrThrow(given)
    const sql = yield* PgClient.make({ url, maxConnections: 1 })
    return yield* sql.unsafe(statement)
  }).pipe(Effect.scoped, Effect.provide(Reactivity.layer), Effect.orDie)

/** The address of the server, with another database. */
export const urlOf = (database: string): Redacted.Redacted => {
  const url = new URL(Redacted.value(Option.getOrThrow(given)))
  url.pathname = `/${database}`
  return Redacted.make(url.href)
}

/** An empty database that is dropped when the scope closes. */
export const database = (name: string) =>
  Effect.acquireRelease(
    Effect.zipRight(ask(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`), ask(`CREATE DATABASE ${name}`)),
    () => ask(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
  ).pipe(Effect.map(() => urlOf(name)))
