/** Reads runs that are recorded by a server. */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { oneLine } from "../report/Format.ts"
import type { RunEvent } from "../run/RunEvent.ts"
import { RunId } from "../run/RunId.ts"
import * as RunState from "../run/RunState.ts"
import { RunForgottenError } from "../store/RunLookupError.ts"
import { RunReader } from "../store/RunReader.ts"
import type { Selection } from "../store/RunStore.ts"
import type { RunSummary } from "../store/RunSummary.ts"
import type * as ApiModel from "./ApiModel.ts"
import { maxPageSize } from "./RunsApi.ts"
import { ServerConnection } from "./ServerConnection.ts"

/** How many events are asked for at once: each can be large. */
const eventsPerPage = 500

type Told = typeof ApiModel.Summary.Type

/** A run as the store tells of it. What is damaged can have any id, which goes to a terminal. */
export const summaryOf = ({ endedAt, group, kept, left, owner, run, startedAt, usd, workflow, ...told }: Told): RunSummary => ({
  run: RunId.make(oneLine(run), { disableValidation: true }),
  workflow,
  ...told,
  ...(group === undefined ? {} : { group }),
  startedAt,
  endedAt,
  left,
  kept,
  usd,
  owner
})

const make = Effect.gen(function*() {
  const { ask, client } = yield* ServerConnection

  const page = (selection: Selection) => ask(client.runs.list({ urlParams: { ...selection, limit: maxPageSize } }))

  const events = (run: RunId) =>
    Stream.paginateChunkEffect(0, (from) =>
      Effect.map(ask(client.runs.events({ path: { run }, urlParams: { from, limit: eventsPerPage } })), ({ events, next }) => [
        Chunk.fromIterable(events.map(({ event }): RunEvent => event)),
        events.length < eventsPerPage ? Option.none<number>() : Option.some(next)
      ] as const)).pipe(Stream.runCollect, Effect.map(Chunk.toReadonlyArray))

  const stateOf = Effect.fnUntraced(function*(run: RunId) {
    const state = yield* Effect.flatMap(events(run), RunState.foldInTurns)
    if (state === undefined) return yield* new RunForgottenError({ run })
    if (RunState.remaining(state).length === 0) return state
    const { resources } = yield* ask(client.runs.get({ path: { run } }))
    return RunState.withRemoved(state, new Set(resources.flatMap(({ id, status }) => id !== undefined && status === "removed" ? [id] : [])))
  })

  return RunReader.of({
    find: (name) => Effect.map(ask(client.runs.summary({ path: { run: name } })), summaryOf),
    stateOf,
    some: ({ after, search, status, workflow }) =>
      Stream.paginateChunkEffect(after, (from: RunId | undefined) =>
        Effect.map(page({ after: from, search, status, workflow }), ({ next, runs }) => [
          Chunk.fromIterable(runs.map(summaryOf)),
          next === undefined ? Option.none<RunId>() : Option.some(RunId.make(next, { disableValidation: true }))
        ] as const)),
    notable: (newest) =>
      Effect.map(ask(client.runs.overview({ urlParams: { newest } })), ({ runs, total }) => ({ runs: runs.map(summaryOf), total })),
    isEmpty: Effect.map(ask(client.runs.list({ urlParams: { limit: 1 } })), ({ runs }) => runs.length === 0),
    events,
    followFrom: (run, from) => client.events(run, from)
  })
})

/** Layer that reads what a server records. */
export const layer = Layer.effect(RunReader, make)
