/** What benchmarks have in common: workflows of a shape, an Agamemnon to run them on, and medians. */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Command from "@effect/platform/Command"
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { AgamemnonClient, EmbeddedAgamemnon, WorkflowExecutor } from "telemachy"
import * as Connections from "../src/agamemnon/Connections.ts"

/** How the tasks of a workflow depend on each other. */
export type Shape = "chain" | "fan-out" | "layers"

/** How many tasks stand beside each other in layers. */
export const width = (count: number): number => Math.round(Math.sqrt(count))

const blockers: Record<Shape, (position: number, count: number) => ReadonlyArray<number>> = {
  chain: (position) => (position === 0 ? [] : [position - 1]),
  "fan-out": (position) => (position === 0 ? [] : [0]),
  // Each task of a layer waits for three of the layer before.
  layers: (position, count) => {
    const size = width(count)
    const layer = Math.floor(position / size)
    return layer === 0 ? [] : Arr.makeBy(3, (step) => (layer - 1) * size + (position + step) % size)
  }
}

/** A workflow of one agent that completes at once whatever it is given. */
export const workflow = (name: string, shape: Shape, count: number) => ({
  metadata: { name },
  agents: [{ name: "worker", program: "none" }],
  teams: [{
    name: "team",
    agents: ["worker"],
    tasks: Arr.makeBy(count, (position) => ({
      subject: `task ${position}`,
      description: "nothing to do",
      assign_to: "worker",
      blocked_by: blockers[shape](position, count).map((blocker) => `task ${blocker}`)
    }))
  }],
  teardown: "always"
})

/** Layer of an executor on an Agamemnon. */
export const executorOn = (server: EmbeddedAgamemnon.EmbeddedAgamemnon["Type"]) =>
  WorkflowExecutor.layer().pipe(Layer.provide(AgamemnonClient.layer(server)))

/** Serves an Agamemnon in a process of its own, and answers a client of it. */
export const served = Effect.gen(function*() {
  const server = yield* Command.start(
    Command.make("node", "dist/bin.js", "agamemnon", "--port", "0").pipe(Command.env({ AGAMEMNON_API_KEY: "bench" }))
  )
  const url = yield* server.stdout.pipe(
    Stream.decodeText(),
    Stream.splitLines,
    Stream.filterMap((line) => Option.fromNullable(/^AGAMEMNON_URL=(.*)$/.exec(line)?.[1])),
    Stream.runHead,
    Effect.flatten
  )
  return yield* AgamemnonClient.make({ url, apiKey: Redacted.make("bench") })
})

/** One request to an embedded Agamemnon and its answer, in milliseconds: the least that anything can cost. */
export const roundTrip = Effect.gen(function*() {
  const server = yield* EmbeddedAgamemnon.make()
  const client = yield* AgamemnonClient.make(server)
  yield* Effect.replicateEffect(client.ping, 50, { discard: true })
  const [time] = yield* Effect.timed(Effect.replicateEffect(client.ping, 200, { discard: true }))
  return Duration.toMillis(time) / 200
}).pipe(Effect.scoped)

/** How many requests a second an embedded Agamemnon answers to one client, which sends six at once. */
export const requestRate = Effect.gen(function*() {
  const server = yield* EmbeddedAgamemnon.make()
  const client = yield* AgamemnonClient.make(server)
  yield* Effect.replicateEffect(client.listAgents, 100, { discard: true, concurrency: 6 })
  const [time] = yield* Effect.timed(Effect.replicateEffect(client.listAgents, 1000, { discard: true, concurrency: 6 }))
  return 1000 / Duration.toSeconds(time)
}).pipe(Effect.scoped)

/** The peak of the memory of this process, in megabytes. */
export const peakMemory = Effect.sync(() => process.resourceUsage().maxRSS / 1024)

/** The value in the middle. */
export const median = (values: ReadonlyArray<number>): number =>
  Arr.sort(values, Order.number)[Math.floor(values.length / 2)] ?? 0

/** What a benchmark needs of Node, with the connections of the command. */
export const layer = Layer.merge(NodeContext.layer, Connections.layer())
