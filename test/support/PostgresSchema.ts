/** The PostgreSQL of the tests. */
import { randomUUID } from "node:crypto"
import * as Reactivity from "@effect/experimental/Reactivity"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"

const given = Config.string("TELEMACHY_TEST_POSTGRES_URL")

/** Whether there is one. */
export const isMissing: boolean = Effect.runSync(Effect.map(Config.option(given), Option.isNone))

const asked = (statement: string, url: string) =>
  Effect.gen(function*() {
    const sql = yield* PgClient.make({ url: Redacted.make(url), maxConnections: 1 })
    yield* sql.unsafe(statement)
  }).pipe(Effect.scoped, Effect.provide(Reactivity.layer), Effect.orDie)

/** Makes a schema that ends with the scope. Answers the address by which a program sees that schema alone. */
export const schema = Effect.gen(function*() {
  const base = yield* Effect.orDie(given)
  const name = `telemachy_${randomUUID().replaceAll("-", "")}`
  yield* Effect.acquireRelease(asked(`CREATE SCHEMA ${name}`, base), () => asked(`DROP SCHEMA ${name} CASCADE`, base))
  const url = new URL(base)
  url.searchParams.set("options", `-c search_path=${name}`)
  // A space is %20 here, and not the + of a form.
  url.search = url.search.replaceAll("+", "%20")
  return { name, url: url.href }
})
