/**
 * The lists of tasks that the runs of an executor read, together where that is
 * cheaper: many that wait for their tasks ask at the same moment, and the list of
 * all tasks answers all of them with a request for each thousand tasks.
 */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import type { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import type { Task, TeamId } from "../agamemnon/AgamemnonModel.ts"
import * as RequestRetry from "../agamemnon/RequestRetry.ts"
import * as MonotonicTime from "../liveness/MonotonicTime.ts"

type Tasks = ReadonlyArray<Task>

/** The lists of tasks, read for all runs of an executor. */
export class TeamLists extends Context.Tag("telemachy/executor/TeamLists")<TeamLists, {
  /** Reads lists until the scope closes. As long as those are few who do, nobody waits for the others. */
  readonly join: Effect.Effect<void, never, Scope.Scope>
  /** The tasks of a team, if they were read together with those of others. It never fails: whoever gets none reads them alone. */
  readonly together: (team: TeamId) => Effect.Effect<Option.Option<Tasks>>
  /** Where in a second the reads of this process are that are made again and again: a number from 0 to 1. */
  readonly phase: number
}>() {}

/** How many teams are read one by one for what a thousand tasks cost in the list of all: about as long to read. */
const teamsPerPage = 10

const pageSize = 1000

/** How long it is known that the list of all tasks is too long. It can become shorter when a server is started anew. */
const memory = Duration.seconds(30)

/** The questions of a moment, and what is known of the list of all tasks. */
interface State {
  readonly agamemnon: Context.Tag.Service<AgamemnonClient>
  readonly waiting: Array<Question>
  /** How many read lists. */
  members: number
  isReading: boolean
  /** When the list was last found to be too long, in milliseconds, and for how many teams. */
  tooLong: { readonly at: number; readonly teams: number }
}

interface Question {
  readonly team: TeamId
  readonly answer: Deferred.Deferred<Option.Option<Tasks>>
}

/** Makes the lists of an executor. */
export const make = (agamemnon: Context.Tag.Service<AgamemnonClient>): Effect.Effect<Context.Tag.Service<TeamLists>> =>
  Effect.map(Random.next, (phase) => {
    const state: State = {
      agamemnon,
      waiting: [],
      members: 0,
      isReading: false,
      tooLong: { at: Number.NEGATIVE_INFINITY, teams: 0 }
    }
    const count = (change: number) =>
      Effect.sync(() => {
        state.members += change
      })
    return { phase, join: Effect.acquireRelease(count(1), () => count(-1)), together: (team) => together(state, team) }
  })

// Whoever has said that lists are being read also begins that.
const together = (state: State, team: TeamId) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.suspend(() => {
      if (state.members < teamsPerPage) return Effect.succeedNone
      const answer = Deferred.unsafeMake<Option.Option<Tasks>>(FiberId.none)
      state.waiting.push({ team, answer })
      const begin = state.isReading ? Effect.void : Effect.forkDaemon(Effect.interruptible(answerAll(state)))
      state.isReading = true
      return Effect.zipRight(begin, restore(Deferred.await(answer)))
    }))

/** Answers all who ask at this moment, and then all who have asked meanwhile. */
const answerAll = Effect.fnUntraced(function*(state: State) {
  while (true) {
    // Timers that end at the same moment are told of one after the other.
    yield* Effect.sleep(0)
    const questions = state.waiting.splice(0)
    if (questions.length === 0) {
      state.isReading = false
      return
    }
    const byTeam = yield* read(state, questions.length)
    for (const { answer, team } of questions) {
      Deferred.unsafeDone(answer, Effect.succeed(Option.map(byTeam, (tasks) => tasks.get(team) ?? [])))
    }
  }
})

/** Reads the tasks of all teams, if that is cheaper than to read those of so many, and if it succeeds. */
const read = Effect.fnUntraced(function*(state: State, teams: number) {
  const most = pageSize * Math.floor(teams / teamsPerPage)
  const now = yield* MonotonicTime.millis
  const isTooLong = teams <= state.tooLong.teams && now - state.tooLong.at < Duration.toMillis(memory)
  if (most === 0 || isTooLong) return Option.none()
  // Whatever goes wrong, a bug of a client included, is met again and told by those who read alone.
  const listed = yield* state.agamemnon.listAllTasks(most).pipe(
    Effect.provideService(RequestRetry.RequestRetry, RequestRetry.ofNobody),
    Effect.asSome,
    Effect.catchAllCause(() => Effect.succeedNone)
  )
  if (Option.isNone(listed)) return Option.none()
  if (Option.isNone(listed.value)) state.tooLong = { at: now, teams }
  return Option.map(listed.value, (tasks) => {
    const byTeam = new Map<string, Array<Task>>()
    for (const task of tasks) {
      const ofTeam = byTeam.get(task.teamId)
      if (ofTeam === undefined) byTeam.set(task.teamId, [task])
      else ofTeam.push(task)
    }
    return byTeam
  })
})
