/** The API of runs beside a runner: its keys, its place, and what is said of both. */
import { join } from "node:path"
import * as Sharding from "@effect/cluster/Sharding"
import type * as Command from "@effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Submitting from "../cluster/Submitting.ts"
import { oneLine } from "../report/Format.ts"
import * as RunQueue from "../run/RunQueue.ts"
import * as ApiKeys from "../server/ApiKeys.ts"
import * as RunHandlers from "../server/RunHandlers.ts"
import * as RunsServer from "../server/RunsServer.ts"
import * as HomeDirectory from "../settings/HomeDirectory.ts"
import * as Settings from "../settings/Settings.ts"
import { type config, defaultPort } from "./definition/ServeDefinition.ts"

/** What is said of it on the command line. */
type Flags = Pick<Command.Command.ParseConfig<typeof config>, "host" | "port" | "apiKeys" | "allowHost" | "allowRemote" | "noApi">

/** How often it is tried whether its port is free, and no other program's any more. */
const retryPause = "1 second"

/** Reads how the API is to be served, and makes its keys where there are none. Nothing where it is not. */
export const read = Effect.fn("ServedApi.read")(function*({ allowHost, allowRemote, apiKeys, host, noApi, port }: Flags) {
  if (noApi) return undefined
  yield* RunsServer.check({ host, allowRemote })
  const agentUsdPerHour = Option.getOrUndefined(yield* Settings.agentUsdPerHour.config)
  const path = yield* HomeDirectory.expand(apiKeys)
  const { isNew, keys } = yield* ApiKeys.load(path)
  if (isNew) {
    yield* Console.error(`keys of the API were made, and are in ${oneLine(path)}:`)
    yield* Effect.forEach(keys, ({ key, role }) => Console.error(`  ${role.padEnd(8)} ${Redacted.value(key)}`), { discard: true })
  }
  return {
    isPortNamed: Option.isSome(port),
    server: {
      host,
      port: Option.getOrElse(port, () => defaultPort),
      allowRemote,
      hosts: allowHost.map((name) => name.toLowerCase()),
      keys,
      page: join(__dirname, "page"),
      agentUsdPerHour
    } satisfies RunsServer.Options
  }
})

/** Serves the API until the scope closes. Where no port is named, and another program has the usual one, that is waited for. */
export const start = Effect.fn("ServedApi.start")(function*(
  { isPortNamed, server }: NonNullable<Effect.Effect.Success<ReturnType<typeof read>>>
) {
  const sharding = yield* Sharding.Sharding
  const queue = yield* RunQueue.RunQueue
  const submitter = RunHandlers.Submitter.of({
    submit: (spec, options) =>
      Submitting.submit(spec, options).pipe(
        Effect.provideService(Sharding.Sharding, sharding),
        Effect.provideService(RunQueue.RunQueue, queue)
      )
  })
  const serving = RunsServer.start(server).pipe(
    Effect.provideService(RunHandlers.Submitter, submitter),
    Effect.tap(({ makeLink, url }) =>
      Effect.gen(function*() {
        yield* Console.log(`API on ${url}, described at ${url}/docs`)
        const link = yield* makeLink
        if (Option.isSome(link)) yield* Console.log(`page on ${url}, logged into once with ${Redacted.value(link.value)}`)
      }))
  )
  // In a scope of its own, so that nothing stays of an attempt that has failed.
  const whenFree = Effect.retry(Effect.scoped(Effect.zipRight(serving, Effect.never)), {
    schedule: Schedule.spaced(retryPause),
    while: ({ _tag }) => _tag === "AddressUnavailable"
  })
  yield* Effect.catchIf(serving, ({ _tag }) => _tag === "AddressUnavailable" && !isPortNamed, (error) =>
    Effect.zipRight(
      Console.error(`${error.message}; it is served as soon as that is free (--no-api serves none)`),
      Effect.asVoid(Effect.forkScoped(Effect.ignoreLogged(whenFree)))
    ))
})
