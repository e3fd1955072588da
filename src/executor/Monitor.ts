/**
 * Watches the tasks of a team to their end: by what is heard of them, and by
 * reading the team's list.
 *
 * Reads follow each other closely after something has happened and grow apart
 * while nothing does, up to the configured time between two reads. While events
 * tell of every end before a read does, the list is read only now and then.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import type { AgamemnonError, AgamemnonStateLostError } from "../agamemnon/AgamemnonError.ts"
import type { Task, TaskId } from "../agamemnon/AgamemnonModel.ts"
import * as TaskEvents from "../agamemnon/TaskFeed.ts"
import { CurrentRun, stateLost } from "./CurrentRun.ts"
import * as Hearsay from "./MonitorHints.ts"
import type { ProvisionedTeam } from "./Provisioning.ts"
import { TerminalStatus } from "../run/RunEvent.ts"

/** Whether a task has ended. Everything that is not known to be an end is progress. */
export const isTerminal = Schema.is(TerminalStatus)

/** What a task that has ended has to say. */
export const resultOf = (result: unknown): { readonly result?: string } => typeof result === "string" ? { result } : {}

/** Watches the tasks of one team. */
export interface Monitor {
  /** Waits until a task of this run, as Agamemnon has reported it, has ended, and says how. */
  readonly watch: (subject: string, task: Task) => Effect.Effect<TerminalStatus>
  /** Reads the team's tasks for as long as some are watched. Never succeeds. */
  readonly watching: Effect.Effect<never, AgamemnonError | AgamemnonStateLostError>
}

interface Watched {
  readonly subject: string
  readonly ended: Deferred.Deferred<TerminalStatus>
  status: string
  updatedAt: string
}

const shortestPause = Duration.millis(4)

/** A read that takes long, because the list is, is followed by a pause that is this many times longer. */
const restFactor = 2

/**
 * Whether to read the open tasks one by one costs less than the list. A task in
 * a list costs less than a hundredth of a request for it alone.
 */
const areFew = (open: number, known: number): boolean => known >= 20 && open <= 1 + known / 150

/** Time between two reads while events come. */
export const reconciliation = Duration.seconds(30)

/** Makes the monitor of a team, which hears of its tasks from now on. */
export const make = Effect.fnUntraced(function*(team: ProvisionedTeam) {
  const agamemnon = yield* AgamemnonClient
  const run = yield* CurrentRun
  const longestPause = run.settings.monitorPoll
  const reconcilePause = Duration.max(reconciliation, longestPause)
  const heard = yield* (yield* TaskEvents.TaskEvents).subscribe(team.id)
  const hearsay = Hearsay.make()
  const woken = yield* Queue.sliding<void>(1)
  const wake = Queue.offer(woken, undefined)
  const busy = yield* Effect.makeLatch()
  // Tasks that have ended stay known: one that is no longer there tells of a lost state.
  const known = new Map<TaskId, Watched>()
  const open = new Map<TaskId, Watched>()
  let readAt = yield* Clock.currentTimeMillis

  const note = Effect.fnUntraced(function*(watched: Watched, task: Task) {
    const { status } = task
    if (isTerminal(watched.status) || watched.status === status) return false
    // What was heard since the list was read is newer. Only an end counts always: the server's clock may be set back.
    if (!isTerminal(status) && task.updatedAt < watched.updatedAt) return false
    watched.status = status
    watched.updatedAt = task.updatedAt
    const named = { team: team.spec.name, subject: watched.subject }
    if (!isTerminal(status)) {
      yield* run.emit({ _tag: "task.progressed", ...named, status })
      return true
    }
    open.delete(task.id)
    if (open.size === 0) yield* busy.close
    hearsay.settle(task.id)
    yield* run.emit({ _tag: "task.finished", ...named, id: task.id, status, earlier: false, ...resultOf(task["result"]) })
    yield* Deferred.succeed(watched.ended, status)
    return true
  })

  const missing = (id: TaskId, { subject }: Watched) =>
    Effect.flatMap(
      agamemnon.getTask(team.id, id),
      Option.match({
        onNone: () => stateLost(run, `task "${subject}" of team "${team.spec.name}"`),
        onSome: Effect.succeed
      })
    )

  /** Notes what a read has shown. */
  const noteRead = Effect.fnUntraced(function*(id: TaskId, watched: Watched, task: Task) {
    if (isTerminal(task.status) && !isTerminal(watched.status)) hearsay.found(id)
    return yield* note(watched, task)
  })

  /** Reads everything once, and tells whether anything had changed. */
  const readAll = Effect.gen(function*() {
    const expected = [...known]
    readAt = yield* Clock.currentTimeMillis
    const listed = new Map((yield* agamemnon.listTasks(team.id)).map((task) => [task.id, task]))
    // Tasks outlive their team, and a list of a team that is not known is empty: ask for the team itself.
    if (expected.some(([id]) => !listed.has(id)) && !(yield* agamemnon.hasTeam(team.id))) {
      return yield* stateLost(run, `team "${team.spec.name}"`)
    }
    let changed = false
    for (const [id, watched] of expected) {
      const task = listed.get(id) ?? (yield* missing(id, watched))
      if (yield* noteRead(id, watched, task)) changed = true
    }
    return changed
  })

  /** Reads what is open, one by one: of many tasks that have ended, the list would say nothing new. */
  const readOpen = Effect.suspend(() =>
    Effect.reduce([...open], false, (changed, [id, watched]) =>
      Effect.map(
        Effect.flatMap(missing(id, watched), (task) => noteRead(id, watched, task)),
        (isNew) => changed || isNew
      )))

  /** Reads the one task that something was said about, the few that are open, or now and then everything. */
  const read = (isSoon: boolean) =>
    Effect.suspend(() => {
      const id = hearsay.isTrusted() ? hearsay.theOneInQuestion() : undefined
      const watched = id === undefined ? undefined : known.get(id)
      if (id !== undefined && watched !== undefined) {
        return Effect.flatMap(missing(id, watched), (task) => noteRead(id, watched, task))
      }
      return isSoon && areFew(open.size, known.size) ? readOpen : readAll
    })

  /** Takes in what is said about a task of this run. */
  const consider = Effect.fnUntraced(function*(watched: Watched, event: Hearsay.AboutTask) {
    const isEnd = TaskEvents.is("Touched")(event) || isTerminal(event.task.status)
    hearsay.heard(TaskEvents.is("Touched")(event) ? event.id : event.task.id, isEnd)
    if (isTerminal(watched.status)) return
    if (TaskEvents.is("Updated")(event) && event.task.updatedAt >= watched.updatedAt) {
      yield* note(watched, event.task)
    } else {
      // Said without saying how it is, or said of a time before the last that is known: Agamemnon knows.
      hearsay.question(TaskEvents.is("Touched")(event) ? event.id : event.task.id)
      yield* wake
    }
  })

  const about = Effect.fnUntraced(function*(event: Hearsay.AboutTask) {
    const watched = known.get(TaskEvents.is("Touched")(event) ? event.id : event.task.id)
    yield* watched === undefined ? Effect.sync(() => hearsay.keep(event)) : consider(watched, event)
  })

  /** Hears until the end. */
  const hearing = Queue.take(heard).pipe(
    Effect.flatMap(TaskEvents.match({
      Updated: about,
      Touched: about,
      Lost: () => Effect.zipRight(Effect.sync(hearsay.forget), wake),
      Restored: () => Effect.zipRight(Effect.sync(hearsay.forget), wake)
    })),
    Effect.forever
  )

  const reading = Effect.gen(function*() {
    let pause = shortestPause
    let rest = shortestPause
    while (true) {
      if (open.size === 0) {
        yield* busy.await
        pause = rest
        if (!hearsay.isTrusted()) yield* Queue.takeAll(woken)
      }
      const isCalm = hearsay.isTrusted() && !hearsay.isInQuestion()
      const calmUntil = readAt + Duration.toMillis(reconcilePause)
      const wait = isCalm ? Duration.millis(Math.max(0, calmUntil - (yield* Clock.currentTimeMillis))) : pause
      const wakened = yield* Effect.raceFirst(Effect.as(Effect.sleep(wait), false), Effect.as(Queue.take(woken), true))
      if (wakened) yield* Effect.sleep(rest)
      const [took, changed] = yield* Effect.timed(read(Duration.lessThan(pause, longestPause)))
      rest = Duration.clamp(Duration.times(took, restFactor), { minimum: shortestPause, maximum: longestPause })
      if (!wakened && !changed && Duration.equals(pause, longestPause)) hearsay.dismiss()
      pause = wakened || changed ? rest : Duration.min(Duration.times(pause, 2), longestPause)
    }
  })

  return {
    watch: Effect.fnUntraced(function*(subject, { id, status, updatedAt }) {
      const ended = yield* Deferred.make<TerminalStatus>()
      const watched: Watched = { subject, ended, status: "pending", updatedAt }
      known.set(id, watched)
      open.set(id, watched)
      const { events, isComplete } = hearsay.recall(id)
      if (!isComplete || status !== "pending") hearsay.question(id)
      if (!hearsay.isTrusted() || hearsay.isInQuestion()) yield* wake
      yield* busy.open
      yield* Effect.forEach(events, (event) => consider(watched, event), { discard: true })
      return yield* Deferred.await(ended)
    }),
    watching: Effect.raceFirst(reading, hearing)
  } satisfies Monitor
})
