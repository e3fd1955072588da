/** Places in groups where there is no journal: they are those of the runs of one executor, and nobody else's. */
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as ConcurrencyGroup from "../run/ConcurrencyGroup.ts"
import type { RunId } from "../run/RunId.ts"
import type { Places } from "./ConcurrencyGate.ts"

interface Member {
  readonly run: RunId
  readonly workflow: string
  readonly asked: number
  readonly cancelled: Deferred.Deferred<string>
  isHolding: boolean
}

/** The places of the runs of an executor. */
export interface ProcessPlaces {
  /** Those of one run, until the scope closes. */
  readonly of: (run: RunId, workflow: string) => Effect.Effect<Places, never, Scope.Scope>
}

/** Makes the places of an executor. */
export const make = (): ProcessPlaces => {
  const groups = new Map<string, Array<Member>>()
  const byRun = new Map<RunId, { readonly group: string; readonly member: Member }>()

  const leave = (run: RunId) =>
    Effect.sync(() => {
      const own = byRun.get(run)
      if (own === undefined) return
      byRun.delete(run)
      const others = (groups.get(own.group) ?? []).filter((each) => each !== own.member)
      if (others.length === 0) groups.delete(own.group)
      else groups.set(own.group, others)
    })

  const enter = (run: RunId, workflow: string, cancelled: Deferred.Deferred<string>, entry: ConcurrencyGroup.Entry) =>
    Effect.map(DateTime.now, (now): ConcurrencyGroup.Entered => {
      const members = groups.get(entry.group) ?? []
      const own = byRun.get(run)?.member ?? { run, workflow, asked: now.epochMillis, cancelled, isHolding: false }
      const holders = members.filter((each) => each !== own && each.isHolding)
      const position = members.indexOf(own)
      const before = members.filter((each, index) => !each.isHolding && each !== own && (position === -1 || index < position))
      own.isHolding ||= holders.length + before.length < entry.limit
      if (position === -1 && (own.isHolding || entry.isWaiting)) {
        groups.set(entry.group, [...members, own])
        byRun.set(run, { group: entry.group, member: own })
      }
      return own.isHolding ? { _tag: "Entered" } : {
        _tag: "Full",
        place: before.length + 1,
        holders: holders.map((each) => ({ run: each.run, workflow: each.workflow, isOlder: each.asked <= own.asked }))
      }
    })

  return {
    of: (run, workflow) =>
      Effect.gen(function*() {
        const cancelled = yield* Deferred.make<string>()
        yield* Effect.addFinalizer(() => leave(run))
        return {
          enter: (entry) => enter(run, workflow, cancelled, entry),
          cancelOther: (other, by) =>
            Effect.suspend(() => {
              const found = byRun.get(other)
              return found === undefined ? Effect.succeed(false) : Effect.as(Deferred.succeed(found.member.cancelled, by), true)
            }),
          cancelled: Deferred.await(cancelled),
          lost: Effect.never
        }
      })
  }
}
