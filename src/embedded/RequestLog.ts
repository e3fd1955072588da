/**
 * What the embedded Agamemnon was asked, and what it answered.
 */
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"

/** A request that was received. */
export interface Entry {
  readonly method: string
  /** The path, with its query. */
  readonly path: string
  /** The status of the answer; undefined as long as there is none. */
  readonly status: number | undefined
}

/** The journal of a server. */
export interface RequestLog {
  /** How many requests were received. */
  readonly count: Effect.Effect<number>
  /** The latest of them, in the order of their arrival. */
  readonly entries: Effect.Effect<ReadonlyArray<Entry>>
  /** Writes the journal, in front of a server. */
  readonly middleware: <E, R>(app: HttpApp.Default<E, R>) => HttpApp.Default<E, R>
}

/** How many requests are remembered. */
export const limit = 1000

/** Makes an empty journal. */
export const make: Effect.Effect<RequestLog> = Effect.sync(() => {
  let count = 0
  const entries = new Map<number, Entry>()
  return {
    count: Effect.sync(() => count),
    entries: Effect.sync(() => [...entries.values()]),
    middleware: (app) =>
      Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ method, url }) => {
        const number = count++
        entries.set(number, { method, path: url, status: undefined })
        entries.delete(number - limit)
        return Effect.tap(app, ({ status }) => {
          if (entries.has(number)) entries.set(number, { method, path: url, status })
        })
      })
  }
})
