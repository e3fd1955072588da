/** What was told of runs that are recorded nowhere else: in the memory of this process, for as long as a run is told of. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { NotificationLog, type Progress, type Told } from "../run/NotificationLog.ts"
import type { RunEvent } from "../run/RunEvent.ts"
import type { RunId } from "../run/RunId.ts"
import { isTelling } from "./Notification.ts"

/** What is known of a run, which is no more than what is told of it. */
interface Known {
  readonly events: Array<RunEvent>
  readonly destinations: Map<string, Progress>
}

const tags: ReadonlySet<RunEvent["_tag"]> = new Set(["run.submitted", "run.started", "run.resumed", "gate.asked", "run.decided", "run.finished"])

/** Makes one. There is one process, so that everybody who asks has the right to tell. */
export const make = (): NotificationLog["Type"] => {
  const runs = new Map<RunId, Known>()
  const known = (run: RunId): Known => {
    const before = runs.get(run) ?? { events: [], destinations: new Map() }
    runs.set(run, before)
    return before
  }
  const progressOf = ({ destination, run }: Told) => runs.get(run)?.destinations.get(destination)
  return NotificationLog.of({
    isLasting: false,
    note: (event) =>
      Effect.sync(() => {
        if (tags.has(event._tag)) known(event.run).events.push(event)
        // Nobody is told of it.
        if ((event._tag === "run.finished" || event._tag === "run.yielded") && runs.get(event.run)?.destinations.size === 0) runs.delete(event.run)
      }),
    history: (run) => Effect.sync(() => runs.get(run)?.events ?? []),
    open: (run, destinations) =>
      Effect.sync(() => {
        const { destinations: opened } = known(run)
        for (const destination of destinations) if (!opened.has(destination)) opened.set(destination, { settled: 0, seen: 0 })
      }),
    claim: (told) => Effect.sync(() => Option.fromNullable(progressOf(told))),
    settle: ({ destination, run }, _, { isOver, seen, settled }) =>
      Effect.sync(() => {
        const before = runs.get(run)
        if (before === undefined) return
        if (isOver) before.destinations.delete(destination)
        else before.destinations.set(destination, { settled, seen })
        if (before.destinations.size === 0) runs.delete(run)
      }),
    release: () => Effect.void,
    pending: (most) =>
      Effect.sync(() =>
        [...runs].flatMap(([run, { destinations, events }]) => {
          const happened = events.filter(isTelling).length
          return [...destinations].flatMap(([destination, { seen }]) => (happened > seen ? [{ run, destination }] : []))
        }).slice(0, most))
  })
}
