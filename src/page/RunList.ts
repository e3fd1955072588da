/**
 * The list of runs, the newest first: read page by page as somebody scrolls, and
 * what is in sight is read again and again.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import * as Ref from "effect/Ref"
import * as SubscriptionRef from "effect/SubscriptionRef"
import type { RunStatus } from "../run/RunStatus.ts"
import type * as ApiModel from "../server/ApiModel.ts"
import type * as RunViewModel from "../server/RunViewModel.ts"
import { RunsClient } from "../server/RunsClient.ts"
import * as Visibility from "./Visibility.ts"

type Row = Schema.Schema.Type<typeof ApiModel.Summary>
type Progress = Schema.Schema.Type<typeof RunViewModel.Progress>

/** Which runs are meant. */
export interface Filter {
  readonly status?: RunStatus | undefined
  readonly search?: string | undefined
}

/** What was read of the list. */
export interface State {
  readonly rows: ReadonlyArray<Row>
  /** Whether there are no more. */
  readonly isComplete: boolean
  /** Whether anything was read yet. */
  readonly isRead: boolean
  /** How far those are that are in sight and not over. */
  readonly progress: ReadonlyMap<string, Progress>
  readonly problem: string | undefined
  /** When it was read last, in milliseconds since 1970. */
  readonly readAt: number
}

/** A list that is kept up to date. */
export interface RunList {
  readonly state: SubscriptionRef.SubscriptionRef<State>
  /** Reads the page behind the last, if there is one. */
  readonly more: Effect.Effect<void>
  /** Tells which rows are in sight: from one to before another. */
  readonly see: (from: number, to: number) => Effect.Effect<void>
}

/** How many rows a page has. */
export const pageSize = 100

/** How many rows can be in sight: one answer has them all. */
const mostInSight = 400

/** How often what is in sight is read again. */
const interval = Duration.seconds(2)

/** Before anything was read. */
export const initial: State = { rows: [], isComplete: false, isRead: false, progress: new Map(), problem: undefined, readAt: 0 }

/** Puts rows at the end that were read behind the last; those that are there already stay where they are. */
export const appended = (rows: ReadonlyArray<Row>, found: ReadonlyArray<Row>): ReadonlyArray<Row> => {
  const known = new Set(rows.map(({ run }) => run))
  return [...rows, ...found.filter(({ run }) => !known.has(run))]
}

/**
 * Puts rows into the place of those from one on, up to the last of them that was there before: `count` is how many were asked
 * for, so that fewer are all that there are.
 */
export const replaced = (rows: ReadonlyArray<Row>, from: number, found: ReadonlyArray<Row>, count: number): ReadonlyArray<Row> => {
  const before = rows.slice(0, from)
  const now = new Set(found.map(({ run }) => run))
  const kept = before.filter(({ run }) => !now.has(run))
  if (found.length < count) return [...kept, ...found]
  const last = found.at(-1)?.run
  const end = rows.findIndex(({ run }) => run === last)
  // All of them are new: what was there before follows behind.
  const rest = end < 0 ? rows.slice(from) : rows.slice(end + 1)
  return [...kept, ...found, ...rest.filter(({ run }) => !now.has(run))]
}

const isOpen = ({ status }: Row): boolean => status === "running" || status === "interrupted" || status === "queued"

/** Keeps a list up to date until the scope closes. */
export const make = Effect.fnUntraced(function*(filter: Filter) {
  const client = yield* RunsClient
  const state = yield* SubscriptionRef.make(initial)
  const sight = yield* Ref.make({ from: 0, to: pageSize })
  const one = yield* Effect.makeSemaphore(1)

  const read = (after: string | undefined, limit: number) => client.runs.list({ urlParams: { ...filter, after, limit } })

  const failed = (error: { readonly message: string }) => SubscriptionRef.update(state, (before) => ({ ...before, problem: error.message }))

  const more = Effect.gen(function*() {
    const { isComplete, rows } = yield* SubscriptionRef.get(state)
    if (isComplete) return
    const { next, runs } = yield* read(rows.at(-1)?.run, pageSize)
    const readAt = yield* Clock.currentTimeMillis
    yield* SubscriptionRef.update(state, (before) => ({
      ...before,
      rows: appended(before.rows, runs),
      isComplete: next === undefined,
      isRead: true,
      problem: undefined,
      readAt
    }))
  }).pipe(one.withPermits(1), Effect.catchAll(failed))

  const refreshPart = Effect.fnUntraced(function*(from: number, count: number) {
    const { rows } = yield* SubscriptionRef.get(state)
    const start = Math.min(from, rows.length)
    const { next, runs } = yield* read(start === 0 ? undefined : rows[start - 1]?.run, count)
    yield* SubscriptionRef.update(state, (before) => {
      const after = replaced(before.rows, start, runs, count)
      return { ...before, rows: after, isComplete: before.isComplete || (next === undefined && runs.length < count) }
    })
  })

  const refresh = Effect.gen(function*() {
    const { from, to } = yield* Ref.get(sight)
    // New runs come first, whatever is in sight.
    yield* refreshPart(0, from < pageSize ? Math.max(to, pageSize) : pageSize)
    if (from >= pageSize) yield* refreshPart(from, Math.max(1, to - from))
    const { rows } = yield* SubscriptionRef.get(state)
    const open = rows.slice(from, to).filter(isOpen).map(({ run }) => run)
    const progress = open.length === 0 ? [] : (yield* client.views.progress({ urlParams: { runs: open.slice(0, pageSize).join(",") } })).runs
    const readAt = yield* Clock.currentTimeMillis
    yield* SubscriptionRef.update(state, (before) => ({
      ...before,
      isRead: true,
      problem: undefined,
      readAt,
      progress: new Map(progress.map((each) => [each.run, each]))
    }))
  }).pipe(one.withPermits(1), Effect.catchAll(failed))

  yield* more
  const refreshing = Effect.forever(Effect.zipRight(Effect.zipRight(Visibility.seen, refresh), Effect.sleep(interval)))
  yield* Effect.forkScoped(Effect.interruptible(refreshing))

  return {
    state,
    more,
    see: (from, to) => Ref.set(sight, { from: Math.max(0, from), to: Math.min(to, from + mostInSight) })
  } satisfies RunList
})
