/** What is said of databases that cannot be used, and what is not noticed of those that are unusual: `npm run test:hosts`. */
import { assert, describe } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Migrations from "../../src/store/Migrations.ts"
import * as HostPostgres from "../support/HostPostgres.ts"
import * as HostRunners from "../support/HostRunners.ts"
import { run } from "../support/TestCommand.ts"

const shared = HostRunners.shared()
const world = Effect.flatMap(shared, HostRunners.world)

describe.concurrent("of three hosts", () => {
  HostRunners.test(
    "each is told why a database cannot be used, by every command that needs it",
    Effect.gen(function*() {
      const postgres = yield* shared
      const here = yield* HostRunners.world(postgres)
      const { work } = here
      const [database, guarded, newer] = [yield* postgres.makeDatabase, yield* postgres.makeDatabase, yield* postgres.makeDatabase]
      const as = (user: string, url = database) => url.replace("postgres@", `${user}@`)
      yield* postgres.ask(`CREATE ROLE ${HostPostgres.withPassword} LOGIN PASSWORD 'the right one'`)
      yield* postgres.ask("CREATE ROLE guest LOGIN")
      // An earlier PostgreSQL lets everybody make tables.
      yield* HostPostgres.askAt(guarded, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
      assert.strictEqual((yield* run(["list"], { env: { ...here.env, TELEMACHY_DATABASE_URL: newer } })).code, 0)
      yield* HostPostgres.askAt(newer, `INSERT INTO telemachy_migrations (migration_id, name) VALUES (${Migrations.latest + 1}, 'later')`)
      const cases: ReadonlyArray<readonly [string, RegExp]> = [
        [as(`${HostPostgres.withPassword}:another`), /the user or the password is refused/],
        [as("nobody_of_that_name"), /the user or the password is refused|does not exist/],
        [database.replace(/[^/]*$/, "no_such_database"), /there is no such database/],
        [as("guest", guarded), /the user lacks a permission; it creates tables/],
        [database.replace("5432", "5999"), /nothing listens at that address/],
        [newer, new RegExp(`a newer telemachy has written it \\(its schema is ${Migrations.latest + 1}, this one knows ${Migrations.latest}\\)`)]
      ]
      for (const [url, words] of cases) {
        const env = { ...here.env, TELEMACHY_DATABASE_URL: url }
        const commands = [["serve"], ["submit", work.file, "--input", "run=a"], ["runners"]]
        yield* Effect.forEach(commands, ([name = "", ...args]) =>
          Effect.gen(function*() {
            const { code, stderr, stdout } = yield* run([name, ...args], { env, directory: work.directory })
            assert.match(stderr, words, `${name} on ${url}: ${stderr}`)
            assert.notInclude(stderr + stdout, "another")
            assert.notStrictEqual(code, 0)
            assert.notMatch(stdout, /^run /)
          }), { concurrency: 3, discard: true })
      }
    })
  )

  HostRunners.test(
    "all reach PostgreSQL by way of a pool that gives each transaction another session: runs are driven, and move when one is killed",
    Effect.gen(function*() {
      const there = yield* world
      const port = yield* there.postgres.startPool
      const here = { ...there, env: { ...there.env, TELEMACHY_DATABASE_URL: (there.env.TELEMACHY_DATABASE_URL ?? "").replace("5432", String(port)) } }
      const runners = yield* HostRunners.onEach(here)
      const { lost, others, runs, victim } = yield* HostRunners.victim(here, runners, () => true)
      const before = yield* DateTime.now
      yield* victim.signal("SIGKILL")
      yield* HostRunners.takenOver(others, lost)
      yield* HostRunners.finish(here, runs, runners)
      for (const each of lost) HostRunners.assertTakenOver(yield* HostRunners.recordOf(here, each), before)
      yield* HostRunners.assertSound(here, runs)
    })
  )

  HostRunners.test(
    "one has a clock that is an hour ahead and another one that is an hour behind, and two have one name: it is as if they had not",
    Effect.gen(function*() {
      const here = yield* world
      const [alpha, beta, gamma] = here.hosts
      const runners = yield* Effect.all([
        HostRunners.startRunner(alpha, here.env),
        HostRunners.startRunner({ ...beta, name: "alpha" }, { ...here.env, ...HostRunners.clockAhead("+1h") }),
        HostRunners.startRunner(gamma, { ...here.env, ...HostRunners.clockAhead("-1h") })
      ], { concurrency: "unbounded" })
      const { lost, others, runs, victim } = yield* HostRunners.victim(here, runners, () => true)
      yield* victim.signal("SIGKILL")
      yield* HostRunners.takenOver(others, lost)
      yield* HostRunners.finish(here, runs, runners)
      for (const each of lost) HostRunners.assertOneLife(yield* HostRunners.recordOf(here, each))
      yield* HostRunners.assertSound(here, runs)
    })
  )
})
