import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as AgamemnonClient from "../src/agamemnon/AgamemnonClient.ts"
import * as NatsTaskFeed from "../src/agamemnon/nats/NatsTaskFeed.ts"
import { TaskFeed } from "../src/agamemnon/TaskFeed.ts"
import * as WorkflowExecutor from "../src/executor/WorkflowExecutor.ts"
import { RunStore } from "../src/store/RunStore.ts"
import * as SqlRunStore from "../src/store/SqlRunStore.ts"
import { failure, task, team, workflow } from "./support/TestRun.ts"

const within = (environment: Readonly<Record<string, string>>) =>
  Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(environment))))

const client = AgamemnonClient.layerConfig({ url: Config.string("APP_AGAMEMNON"), maxConnections: Config.integer("APP_CONNECTIONS") }).pipe(
  Layer.provide(NodeHttpClient.layer)
)

const store = SqlRunStore.layerConfig({ url: Config.redacted("DATABASE_URL") })

describe("A layer that is given a config", () => {
  it.effect("names an Agamemnon by variables of the application, which are checked as options are", () => {
    const url = Effect.provide(Effect.map(AgamemnonClient.AgamemnonClient, (agamemnon) => agamemnon.url), client)
    return Effect.gen(function*() {
      const environment = { APP_AGAMEMNON: "http://localhost:8080/", APP_CONNECTIONS: "2", AGAMEMNON_URL: "http://localhost:9090" }
      assert.strictEqual(yield* within(environment)(url), "http://localhost:8080")
      const refused = yield* Effect.exit(within({ ...environment, APP_CONNECTIONS: "0" })(url))
      assert.deepInclude(failure(refused), { _tag: "InvalidOptionError", option: "maxConnections" })
      const missing = yield* Effect.exit(within({})(url))
      assert.match(String(failure(missing)), /APP_AGAMEMNON/)
    })
  })

  it.scoped("names a database by a variable of the application, and shows no password that is written wrongly", () => {
    const where = Effect.provide(Effect.map(RunStore, (runs) => runs.where), store)
    return Effect.gen(function*() {
      assert.strictEqual(yield* within({ DATABASE_URL: "memory:", TELEMACHY_DATABASE_URL: "file:/nowhere/runs.db" })(where), "memory:")
      const refused = String(failure(yield* Effect.exit(within({ DATABASE_URL: "postgres://app:s3#cret@db/runs" })(where))))
      assert.match(refused, /are written as %2F %3F %23 and %40/)
      assert.notMatch(refused, /s3|cret/)
    }).pipe(Effect.provide(NodeContext.layer))
  })

  it.effect("names a NATS server by a variable of the application, and has the one of the environment without one", () => {
    const built = (feed: typeof none) => Effect.asVoid(Effect.provide(TaskFeed, feed))
    const none = NatsTaskFeed.layerConfig()
    const own = NatsTaskFeed.layerConfig({ url: Config.redacted("APP_NATS"), requireTls: Config.succeed(true) })
    return Effect.gen(function*() {
      yield* within({})(built(none))
      const refused = yield* Effect.exit(within({ APP_NATS: "nats://nats.example:4222" })(built(own)))
      assert.deepInclude(failure(refused), { _tag: "TlsRequiredError" })
    }).pipe(Effect.provide(NodeContext.layer))
  })

  it.live("limits runs by a variable of the application, and has defaults for the rest", () => {
    const executor = WorkflowExecutor.layerConfig({ workflowTimeout: Config.duration("APP_RUN_LIMIT") })
    const ended = Effect.exit(WorkflowExecutor.execute(workflow({ teams: [team("core", task("a"))] }))).pipe(
      Effect.provide(Layer.provide(executor, client))
    )
    return Effect.gen(function*() {
      const exit = yield* within({ APP_RUN_LIMIT: "0 millis", APP_AGAMEMNON: "http://127.0.0.1:1", APP_CONNECTIONS: "1" })(ended)
      assert.deepInclude(failure(exit), { _tag: "WorkflowTimeoutError" })
    })
  })
})
