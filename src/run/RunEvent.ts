/**
 * Everything that can happen in a run, as one tagged union.
 *
 * Progress, log, journal and metrics are made from these events alone. Encoded,
 * an event is one JSON object with stable names: this is what `--json` prints.
 */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import type { ParseError } from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { WhenFull } from "../workflow/Concurrency.ts"
import { NotifyDestination } from "../workflow/NotifyDestination.ts"
import { TeardownPolicy } from "../workflow/TeardownPolicy.ts"
import { GateDecision } from "./GateAnswer.ts"
import { Outcome } from "./Outcome.ts"
import { RunId } from "./RunId.ts"
import { EndStatus, GivenUp } from "./TaskStatus.ts"
import { Usage } from "./Usage.ts"

const optional = <A, I, R>(schema: Schema.Schema<A, I, R>) => Schema.optionalWith(schema, { exact: true })

const WholeMillis = Schema.DurationFromSelf.annotations({
  arbitrary: () => (fc) =>
    fc.oneof(fc.nat(1e9).map((millis) => Duration.millis(millis)), fc.constant(Duration.infinity))
})

const FiniteMillis = Schema.DurationFromSelf.annotations({
  arbitrary: () => (fc) => fc.nat(1e9).map((millis) => Duration.millis(millis))
})

// In JSON a duration is a number of seconds, and its name says so; one that never ends is null.
const seconds = (key: `${string}Seconds`) =>
  Schema.propertySignature(
    Schema.transform(Schema.NullOr(Schema.Number), WholeMillis, {
      strict: true,
      // Times 1000, a number of seconds that is a whole number of milliseconds is not always one.
      decode: (value) => (value === null ? Duration.infinity : Duration.millis(Math.round(value * 1000))),
      encode: (duration) => (Duration.isFinite(duration) ? Duration.toSeconds(duration) : null)
    })
  ).pipe(Schema.fromKey(key))

// The same, which an earlier version has not recorded.
const optionalSeconds = (key: `${string}Seconds`) =>
  Schema.optionalWith(
    Schema.transform(Schema.Number, FiniteMillis, {
      strict: true,
      decode: (value) => Duration.millis(Math.round(value * 1000)),
      encode: Duration.toSeconds
    }),
    { exact: true }
  ).pipe(Schema.fromKey(key))

const common = {
  run: RunId,
  workflow: Schema.String,
  at: Schema.DateTimeUtc,
  // The time since the process began to drive the run, which is right though the clock of `at` was set meanwhile.
  elapsed: optionalSeconds("elapsedSeconds")
}

const event = <Tag extends string, Fields extends Schema.Struct.Fields>(tag: Tag, description: string, fields: Fields) =>
  Schema.TaggedStruct(tag, { ...common, ...fields }).annotations({ description })

const AnyJson = Schema.Unknown.annotations({ arbitrary: () => (fc) => fc.jsonValue() })

const resource = { name: Schema.String, key: Schema.String }
const identified = { ...resource, id: Schema.String }
const perhapsIdentified = { ...resource, id: optional(Schema.String) }
const except = Schema.Array(Schema.String)

/** What can happen to an agent or to a team; the tags begin with its kind. */
const lifecycle = <Kind extends "agent" | "team">(kind: Kind) =>
  [
    event(`${kind}.creating`, `The ${kind} is about to be created. \`except\` are others of the same key, not this run's.`, {
      ...resource,
      except
    }),
    event(`${kind}.created`, `The ${kind} was created. \`uncertain\`: an answer was lost, and a copy of it may be there, or still appear.`, {
      ...identified,
      uncertain: optional(Schema.Boolean)
    }),
    event(`${kind}.reused`, `The ${kind} that an earlier run has left is used again.`, identified),
    event(
      `${kind}.removed`,
      `The ${kind} was removed, or was gone already. \`made\`: false when it turned out that it was never made. \`confirmed\`: a list that was read afterwards shows nothing of it.`,
      { ...resource, made: optional(Schema.Boolean), confirmed: optional(Schema.Boolean) }
    ),
    event(`${kind}.kept`, `The ${kind} was kept on purpose. \`usedBy\`: the other run that it was kept for.`, {
      ...perhapsIdentified,
      usedBy: optional(RunId)
    }),
    event(`${kind}.left`, `The ${kind} could not be removed.`, { ...perhapsIdentified, error: Schema.String })
  ] as const

// What a workspace is: a worktree of `repository` on `branch` from the commit `base`, or an empty directory.
const ofWorktree = {
  repository: optional(Schema.String),
  branch: optional(Schema.String),
  base: optional(Schema.String),
  prefix: optional(Schema.String)
}

// A workspace has no id but its path, which is its key.
const workspaceEvents = [
  event(
    "workspace.creating",
    "A workspace is about to be made: a worktree of `repository` on a new `branch` from the commit `base`, or an empty directory. `key`: its path. `prefix`: the directory in it that programs work in, unless it is that itself.",
    { ...resource, ...ofWorktree }
  ),
  event("workspace.created", "The workspace was made.", identified),
  event("workspace.reused", "The workspace that an earlier process of the run has made is used again. The fields are as in `workspace.creating`.", { ...identified, ...ofWorktree }),
  event(
    "workspace.removed",
    "The workspace was removed, when all that was done in it was committed. `commits`: how many commits on its branch are nowhere else, for which the branch was kept.",
    { ...resource, commits: optional(Schema.Int), confirmed: optional(Schema.Boolean) }
  ),
  event("workspace.kept", "The workspace was kept on purpose.", { ...perhapsIdentified, usedBy: optional(RunId) }),
  event("workspace.left", "The workspace could not be removed.", { ...perhapsIdentified, error: Schema.String })
] as const

const task = { team: Schema.String, subject: Schema.String }

// What an attempt has used, said once, with the first event that knows it; or why what was reported counts as nothing.
const used = { usage: optional(Usage), usageProblem: optional(Schema.String) }

const Amount = Schema.Number.pipe(Schema.finite(), Schema.annotations({ arbitrary: () => (fc) => fc.nat(1e9).map((cents) => cents / 100) }))

// What a run may use.
const Limits = Schema.Struct({
  usd: optional(Amount),
  tokens: optional(Amount),
  tasks: optional(Amount),
  agentTime: optionalSeconds("agentTimeSeconds")
})

// What a run has used. `unknown`: of how many attempts that is not known.
const Spent = Schema.Struct({
  usd: Amount,
  // How much of that was reckoned from tokens and prices.
  reckonedUsd: optional(Amount),
  inputTokens: Schema.Int,
  outputTokens: Schema.Int,
  tasks: Schema.Int,
  agentTime: seconds("agentTimeSeconds"),
  unknown: Schema.Struct({ usd: Schema.Int, tokens: Schema.Int })
})

// What is known of a run when it starts, and again when it is resumed.
const header = {
  url: Schema.String,
  // Whether the Agamemnon ends with the process that runs the workflow.
  embedded: optional(Schema.Boolean),
  policy: TeardownPolicy,
  timeout: seconds("timeoutSeconds"),
  budget: optional(Limits),
  // The group of which only so many runs are under way at once.
  concurrency: optional(Schema.Struct({ group: Schema.String, limit: Schema.Int, whenFull: WhenFull })),
  // Who is told what becomes of the run.
  notify: optional(Schema.Array(Schema.typeSchema(NotifyDestination))),
  // The time from one ping to the next.
  heartbeatInterval: optionalSeconds("heartbeatIntervalSeconds"),
  // Digest (SHA-256) of the input that is recorded beside the events.
  inputDigest: Schema.optionalWith(Schema.String, { exact: true }).pipe(Schema.fromKey("declaration")),
  // The repositories of the directories whose agents have worktrees, with the commit that each was at, or that of a `base`.
  origins: optional(Schema.Array(Schema.Struct({
    directory: Schema.String,
    base: optional(Schema.String),
    repository: Schema.String,
    prefix: Schema.String,
    commit: Schema.String
  }))),
  agents: Schema.Array(Schema.String),
  // The models that agents are told to use, by the names of these; of another agent, its program decides.
  models: optional(Schema.Record({ key: Schema.String, value: Schema.String })),
  teams: Schema.Array(Schema.Struct({
    name: Schema.String,
    tasks: Schema.Array(Schema.Struct({
      subject: Schema.String,
      // The id by which the workflow refers to it.
      ref: optional(Schema.String),
      assignTo: Schema.String,
      // Those of which one does it, when they are several; the first of them is in `assignTo` as well.
      assignees: optional(Schema.Array(Schema.String)),
      // Subjects of tasks of the same team, or ids of any.
      blockedBy: Schema.Array(Schema.String),
      // Whether it decides when it is due whether it runs.
      conditional: optional(Schema.Boolean),
      // The names of what it answers.
      outputs: optional(Schema.Array(Schema.String)),
      // Whether it waits for a person, and no agent does it.
      gate: optional(Schema.Boolean),
      // Whether it is done in instances, of which there is an event when it is due.
      matrix: optional(Schema.Boolean),
      // Whether the run can complete though the task fails.
      continueOnError: optional(Schema.Boolean),
      // The ids of the tasks whose branches it merges.
      merge: optional(Schema.Array(Schema.String)),
      // The file of the workflow that it uses, whose tasks are those of other teams.
      uses: optional(Schema.String)
    })),
    // The task that uses the workflow which the team is of.
    usedBy: optional(Schema.Struct(task))
  }))
}

/**
 * Schema of an event of a run.
 *
 * **Example** (Counting what is told)
 *
 * ```ts
 * import { Effect, Stream } from "effect"
 * import { WorkflowExecutor } from "telemachy"
 *
 * export const countFinished = Effect.gen(function*() {
 *   const { events } = yield* WorkflowExecutor.WorkflowExecutor
 *   const finished = Stream.filter(yield* events, ({ _tag }) => _tag === "task.finished")
 *   return yield* Stream.runCount(finished)
 * })
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const RunEvent = Schema.Union(
  event(
    "run.submitted",
    "The run is on record, and waits for a runner that begins it. The first event of a run that was submitted. `key`: what stands for it, so that it is submitted once. `priority`: those with a higher one begin before. `again`: it has begun before and is to go on, as somebody has asked, with what has failed or without; `url`, `embedded`: its Agamemnon.",
    {
      key: optional(Schema.String),
      priority: Schema.Int,
      again: optional(Schema.Struct({ by: Schema.String, retryFailed: Schema.Boolean })),
      url: optional(Schema.String),
      embedded: header.embedded,
      policy: header.policy,
      budget: header.budget,
      concurrency: header.concurrency,
      notify: header.notify,
      inputDigest: header.inputDigest,
      agents: header.agents,
      teams: header.teams
    }
  ),
  event("run.started", "The run begins. The first event of a run that was not submitted.", header),
  event("run.resumed", "The run goes on. `resources`: what it has on Agamemnon, as far as its journal tells. `workspaces`: those that it has, with the number of `commits` of one that was removed whose branch was kept. `spent`: what it had used before.", {
    ...header,
    spent: optional(Spent),
    workspaces: optional(Schema.Array(Schema.Struct({ ...perhapsIdentified, ...ofWorktree, commits: optional(Schema.Int) }))),
    resources: Schema.Array(Schema.Struct({
      kind: Schema.Literal("agent", "team"),
      ...perhapsIdentified,
      except,
      uncertainSince: optional(Schema.DateTimeUtc)
    }))
  }),
  ...lifecycle("agent"),
  event("agent.started", "An agent takes tasks from now on.", identified),
  ...lifecycle("team"),
  ...workspaceEvents,
  event(
    "task.expanded",
    "A task with a matrix is due, and is done in these instances, of which each is a task of its own from now on. `matrix`: its values. It replaces what an earlier event of the same task has said.",
    {
      ...task,
      instances: Schema.Array(Schema.Struct({
        subject: Schema.String,
        matrix: Schema.Record({ key: Schema.String, value: AnyJson })
      }))
    }
  ),
  event(
    "task.submitting",
    "A task is about to be submitted: nothing blocks it any longer. `digest`: of what is declared of it. `changed`: it was done or begun before, as something else was declared. `attempt`, `of`: the number of this attempt, and how many there are at most; absent when it is the only one. `assignee`: who does it, of several.",
    {
      ...task,
      digest: optional(Schema.String),
      changed: optional(Schema.Boolean),
      attempt: optional(Schema.Int),
      of: optional(Schema.Int),
      assignee: optional(Schema.String)
    }
  ),
  event("task.submitted", "A task was submitted. `log`: the file on Agamemnon's machine that holds all that it writes.", {
    ...task,
    id: Schema.String,
    log: optional(Schema.String)
  }),
  event("task.watched", "A task that was submitted before is still in progress and is watched.", {
    ...task,
    id: Schema.String,
    log: optional(Schema.String)
  }),
  event("task.progressed", "The status of a task has changed.", { ...task, status: Schema.String }),
  event(
    "task.failing",
    "A task that Agamemnon has as unfinished is over, and Agamemnon is about to be told that it has failed. `as`: why it is given up; absent when its worker has failed. `reason`: in words, the worker's if it has failed.",
    { ...task, id: Schema.String, reason: optional(Schema.String), as: optional(Schema.Literal(...GivenUp.literals, "superseded")) }
  ),
  event(
    "task.retrying",
    "An attempt has ended, not completed, and after a wait another follows. `attempt`: its number. `result`: what it wrote, if anything. `problem`: why it counts as failed though its worker has completed it. `verification`: what its check has said, if that has failed. `usage`: what it has used, as far as that is known; `usageProblem`: why what was reported of that counts as nothing.",
    {
      ...task,
      id: Schema.String,
      attempt: Schema.Int,
      status: EndStatus,
      wait: seconds("waitSeconds"),
      problem: optional(Schema.String),
      result: optional(Schema.String),
      log: optional(Schema.String),
      verification: optional(Schema.String),
      ...used
    }
  ),
  event(
    "task.finished",
    "A task has ended. `earlier`: it was done before, by this run or another. `result`: what it wrote, if anything. `attempt`: the number of the attempt that it ended with, if that is another than the last. `final`: why no other attempt follows. `outputs`: what it answered by name. `problem`: why it counts as failed though its worker has completed it. `verification`, `usage`, `usageProblem`: as in `task.retrying`.",
    {
      ...task,
      id: Schema.String,
      status: EndStatus,
      earlier: Schema.Boolean,
      result: optional(Schema.String),
      log: optional(Schema.String),
      attempt: optional(Schema.Int),
      final: optional(Schema.String),
      outputs: optional(Schema.Record({ key: Schema.String, value: AnyJson })),
      problem: optional(Schema.String),
      verification: optional(Schema.String),
      ...used
    }
  ),
  event("task.late", "An attempt that was over has completed after all, when its task had ended already: that changes nothing. `usage`, `usageProblem`: as in `task.retrying`.", {
    ...task,
    id: Schema.String,
    attempt: Schema.Int,
    ...used
  }),
  event("task.refused", "A task can not be submitted, for this reason: it has failed.", { ...task, reason: Schema.String }),
  event(
    "task.skipped",
    "A task will never run: one that it waits for did not complete. `condition`: its own condition does not hold, or that of one that it waits for, which is no failure.",
    { ...task, condition: optional(Schema.Boolean) }
  ),
  event(
    "gate.asked",
    "A gate is due: a person is asked this question. `asked`: for which time, the first is 1. `timeoutSeconds`: how long it waits for an answer, until it counts as rejected.",
    { ...task, question: Schema.String, asked: Schema.Int, timeout: optionalSeconds("timeoutSeconds") }
  ),
  event(
    "gate.answered",
    "A gate was answered. `by`: who has. `redo`: the tasks that are done again before it is asked once more, of which the first is told the comment.",
    {
      ...task,
      asked: Schema.Int,
      decision: GateDecision,
      by: Schema.String,
      comment: optional(Schema.String),
      redo: optional(Schema.Array(Schema.Struct(task)))
    }
  ),
  event(
    "uses.started",
    "A task that uses another workflow is due: the tasks of that begin. `uses`: its file. `inputs`: what it was given, with what it has by default.",
    { ...task, uses: Schema.String, inputs: Schema.Record({ key: Schema.String, value: AnyJson }) }
  ),
  event(
    "uses.finished",
    "All tasks of a workflow that a task uses have ended, and with them the task. `outputs`: what the workflow has answered by name. `problem`: why it has failed, where no task of it has.",
    {
      ...task,
      status: Schema.Literal("completed", "failed"),
      outputs: optional(Schema.Record({ key: Schema.String, value: AnyJson })),
      problem: optional(Schema.String)
    }
  ),
  event(
    "merge.started",
    "A task that merges is due: these branches are merged, in this order. `omitted`: the subjects of tasks that are left out, because they are not completed.",
    {
      ...task,
      branches: Schema.Array(Schema.Struct({ subject: Schema.String, branch: Schema.String, commit: Schema.String })),
      omitted: optional(Schema.Array(Schema.String))
    }
  ),
  event(
    "merge.attempted",
    "An agent has ended that was to resolve the conflicts of a merge. `files`: those that were in conflict. The other fields are as in `task.retrying`.",
    {
      ...task,
      id: Schema.String,
      attempt: Schema.Int,
      status: EndStatus,
      files: Schema.Array(Schema.String),
      result: optional(Schema.String),
      log: optional(Schema.String),
      ...used
    }
  ),
  event(
    "merge.finished",
    "A merge has ended, and with it its task. `outputs`: the branch and its commit. `problem`: why it has failed. `conflicts`: the files that are in conflict.",
    {
      ...task,
      status: Schema.Literal("completed", "failed"),
      result: optional(Schema.String),
      outputs: optional(Schema.Record({ key: Schema.String, value: AnyJson })),
      problem: optional(Schema.String),
      conflicts: optional(Schema.Array(Schema.String))
    }
  ),
  event("request.failed", "A request failed and is going to be repeated.", { error: Schema.String }),
  event("connectivity.alive", "A ping was answered. `tookSeconds`: how long that took; absent for the one before the run has begun.", {
    lastAnswer: Schema.DateTimeUtc,
    took: optionalSeconds("tookSeconds")
  }),
  event("connectivity.suspect", "Pings were not answered, fewer than the threshold.", {
    lastAnswer: Schema.DateTimeUtc,
    failures: Schema.Int
  }),
  event("connectivity.lost", "As many pings in a row were not answered as the threshold says: the run ends.", {
    lastAnswer: optional(Schema.DateTimeUtc),
    failures: Schema.Int
  }),
  event("feed.lost", "The feed of events from NATS is lost, for this reason: the run goes on by polling its tasks.", {
    reason: Schema.String
  }),
  event("feed.restored", "Events come from NATS, again or at last.", {}),
  event(
    "run.queued",
    "The run waits for a place in its group before it begins or goes on. It is told whoever runs it, and is not on record. `place`: how many wait before it, and one more. `holders`: the runs that have the places.",
    {
      group: Schema.String,
      limit: Schema.Int,
      place: Schema.Int,
      holders: Schema.Array(Schema.Struct({ run: RunId, workflow: Schema.String }))
    }
  ),
  event(
    "run.waiting",
    "An earlier process may have sent something last that has not taken effect yet: that is waited for, so long at most, before it is made or submitted again.",
    { limit: seconds("limitSeconds") }
  ),
  event(
    "run.yielded",
    "The process that drove the run has handed it over, for this reason: nothing was taken down, and `run.resumed` follows when another goes on. `unreachable`: Agamemnon does not answer this process, and may answer another.",
    { reason: Schema.String, unreachable: optional(Schema.Boolean) }
  ),
  event("run.cancelling", "Somebody has asked for the end of the run.", { by: Schema.String }),
  event("team.shared", "Another run, of which the journal does not know, submits tasks to the same team: each task is looked for before it is submitted.", resource),
  event("leftovers.removed", "What earlier runs of dead processes had left was removed. `left`: how much could not be.", {
    runs: Schema.Array(RunId),
    removed: Schema.Int,
    left: Schema.Int
  }),
  event("record.failed", "Events can not be recorded. The run goes on: its journal has a gap until they can.", {
    error: Schema.String
  }),
  event("record.restored", "Every event of the run is recorded again, those of the gap too.", {}),
  event("run.decided", "The work is over; only teardown is left.", { outcome: Outcome, reason: Schema.String }),
  event("teardown.started", "Teardown has decided by its table.", { decision: Schema.Literal("remove", "keep") }),
  event(
    "teardown.waiting",
    "Teardown waits: for Agamemnon to answer at all, or for what is pending; each second once. `grace`: how long at most, without progress.",
    { grace: seconds("graceSeconds"), pending: optional(Schema.Array(Schema.String)), reason: optional(Schema.String) }
  ),
  event(
    "run.finished",
    "The run is over. `left`: how many resources could not be removed; `kept`: how many were kept; `keptBranches`: how many branches of worktrees are still there, for commits that are nowhere else or with their worktrees; absent when there are none. `checked`: of how many that were removed a list shows nothing. `spent`: what it has used, if it has a budget or anything was reported.",
    { outcome: Outcome, left: Schema.Int, kept: Schema.Int, keptBranches: optional(Schema.Int), checked: optional(Schema.Int), spent: optional(Spent) }
  ),
  event("run.forgotten", "What the run has said was removed from its journal. Nothing comes after it, and `workflow` is empty.", {})
).annotations({ identifier: "RunEvent" })
export type RunEvent = typeof RunEvent.Type

/**
 * The tags of all events.
 *
 * @since 0.1.0
 * @category models
 */
export type Tag = RunEvent["_tag"]

type WithoutCommon<E> = E extends RunEvent ? Omit<E, keyof typeof common> : never

/**
 * An event without what every event of its run has in common.
 *
 * @since 0.1.0
 * @category models
 */
export type EventBody = WithoutCommon<RunEvent>

/**
 * Schema of an event as a line of JSON.
 *
 * **Example** (Reading the output of `telemachy run --json`)
 *
 * ```ts
 * import { Schema } from "effect"
 * import { RunEvent } from "telemachy"
 *
 * export const decodeLine = Schema.decode(RunEvent.Json)
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const Json = Schema.parseJson(RunEvent)

/** The tags that events had in journals of earlier versions, and what they are now. */
const renamed: Readonly<Record<string, Tag>> = { "events.lost": "feed.lost", "events.restored": "feed.restored" }

const Tagged = Schema.parseJson(Schema.Struct({ _tag: Schema.String }, { key: Schema.String, value: Schema.Unknown }))

// Not made before it is needed: to make a decoder of all events takes longer than to list runs.
const decodeEvent = (event: unknown) => Schema.decodeUnknownEither(RunEvent)(event)

/**
 * Decodes an event from a journal, which an earlier version may have written.
 *
 * @internal
 */
export const decodeJournaled = (json: string): Either.Either<RunEvent, ParseError> =>
  Either.flatMap(Schema.decodeEither(Tagged)(json), (event) => decodeEvent({ ...event, _tag: renamed[event._tag] ?? event._tag }))
