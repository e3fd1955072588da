/**
 * Watches the tasks of a team to their end, by reading the team's list.
 *
 * Reads follow each other closely after something has happened and grow apart
 * while nothing does, up to the configured time between two reads.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import type { AgamemnonError, AgamemnonStateLostError } from "../agamemnon/AgamemnonError.ts"
import type { Task, TaskId } from "../agamemnon/AgamemnonModel.ts"
import { CurrentRun, stateLost } from "./CurrentRun.ts"
import type { ProvisionedTeam } from "./Provisioning.ts"
import { TerminalStatus } from "./RunEvent.ts"

/** Whether a task has ended. Everything that is not known to be an end is progress. */
export const isTerminal = Schema.is(TerminalStatus)

/** What a task that has ended has to say. */
export const resultOf = (result: unknown): { readonly result?: string } => typeof result === "string" ? { result } : {}

/** Watches the tasks of one team. */
export interface Monitor {
  /** Waits until a task of this run has ended, and says how. */
  readonly watch: (subject: string, id: TaskId) => Effect.Effect<TerminalStatus>
  /** Reads the team's tasks for as long as some are watched. Never succeeds. */
  readonly watching: Effect.Effect<never, AgamemnonError | AgamemnonStateLostError>
}

interface Watched {
  readonly subject: string
  readonly ended: Deferred.Deferred<TerminalStatus>
  status: string
}

const shortestPause = Duration.millis(10)

/** A read that takes long, because the list is, is followed by a pause that is this many times longer. */
const restFactor = 4

/** Makes the monitor of a team. */
export const make = Effect.fnUntraced(function*(team: ProvisionedTeam) {
  const agamemnon = yield* AgamemnonClient
  const run = yield* CurrentRun
  const longestPause = run.settings.monitorPoll
  const woken = yield* Queue.sliding<void>(1)
  // Tasks that have ended stay known: one that is no longer there tells of a lost state.
  const known = new Map<TaskId, Watched>()
  let open = 0

  const note = Effect.fnUntraced(function*(watched: Watched, task: Task) {
    const { status } = task
    if (isTerminal(watched.status) || watched.status === status) return false
    watched.status = status
    const named = { team: team.spec.name, subject: watched.subject }
    if (!isTerminal(status)) {
      yield* run.emit({ _tag: "task.progressed", ...named, status })
      return true
    }
    open -= 1
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

  /** Reads once, and tells whether anything had changed. */
  const read = Effect.gen(function*() {
    const expected = [...known]
    const listed = new Map((yield* agamemnon.listTasks(team.id)).map((task) => [task.id, task]))
    let changed = false
    for (const [id, watched] of expected) {
      const task = listed.get(id) ?? (yield* missing(id, watched))
      if (yield* note(watched, task)) changed = true
    }
    // Tasks outlive their team, and a list of a team that is not known is empty: ask for the team itself.
    if (!changed && !(yield* agamemnon.hasTeam(team.id))) return yield* stateLost(run, `team "${team.spec.name}"`)
    return changed
  })

  const watching = Effect.gen(function*() {
    let pause = shortestPause
    let rest = shortestPause
    while (true) {
      if (open === 0) yield* Queue.take(woken)
      const wakened = yield* Effect.raceFirst(Effect.as(Effect.sleep(pause), false), Effect.as(Queue.take(woken), true))
      if (wakened) yield* Effect.sleep(rest)
      const [took, changed] = yield* Effect.timed(read)
      rest = Duration.clamp(Duration.times(took, restFactor), { minimum: shortestPause, maximum: longestPause })
      pause = wakened || changed ? rest : Duration.min(Duration.times(pause, 2), longestPause)
    }
  })

  return {
    watch: Effect.fnUntraced(function*(subject, id) {
      const ended = yield* Deferred.make<TerminalStatus>()
      known.set(id, { subject, ended, status: "pending" })
      open += 1
      yield* Queue.offer(woken, undefined)
      return yield* Deferred.await(ended)
    }),
    watching
  } satisfies Monitor
})
