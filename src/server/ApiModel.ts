/** What the API of runs tells, and is told. Times are in ISO 8601, durations in seconds, money in US dollars. */
import * as Schema from "effect/Schema"
import { GateDecision } from "../run/GateAnswer.ts"
import { Outcome } from "../run/Outcome.ts"
import * as RunEvent from "../run/RunEvent.ts"
import { RunStatus } from "../run/RunStatus.ts"
import { EndStatus } from "../run/TaskStatus.ts"
import { Usage } from "../run/Usage.ts"
import { GivenInputs } from "../workflow/Inputs.ts"
import { TeardownPolicy } from "../workflow/TeardownPolicy.ts"
import { Problem, Warning } from "../workflow/WorkflowProblem.ts"
import { CatchUp, Overlap } from "../workflow/WorkflowSchedule.ts"

const optional = Schema.optional

const AnyRecord = Schema.Record({ key: Schema.String, value: Schema.Unknown })

const summary = {
  run: Schema.String,
  workflow: optional(Schema.String).annotations({ description: "Nothing when the run was forgotten" }),
  status: RunStatus,
  place: optional(Schema.Int).annotations({ description: "Its place in the queue" }),
  group: optional(Schema.Struct({ name: Schema.String, holders: Schema.Array(Schema.String) })).annotations({
    description: "The group in which it waits for a place, and the runs that have the places"
  }),
  schedule: optional(Schema.Struct({ id: Schema.String, at: Schema.String })).annotations({
    description: "The schedule that has submitted it, and the time that it is for"
  }),
  startedAt: optional(Schema.DateTimeUtc),
  endedAt: optional(Schema.DateTimeUtc),
  left: optional(Schema.Int).annotations({ description: "How many agents, teams and workspaces could not be removed" }),
  kept: optional(Schema.Int).annotations({ description: "How many were kept on purpose" }),
  keptBranches: optional(Schema.Int).annotations({ description: "How many branches of worktrees it has kept" }),
  questions: optional(Schema.Int).annotations({ description: "How many answers it waits for" }),
  usd: optional(Schema.Number).annotations({ description: "What its tasks have cost, as far as they have said" }),
  embedded: Schema.Boolean,
  owner: optional(Schema.String).annotations({ description: "Who drives it, if anybody does" })
}

/** A run at a glance. */
export const Summary = Schema.Struct(summary).annotations({ identifier: "RunSummary" })

/** A page of a list of runs, the newest first. */
export const RunPage = Schema.Struct({
  runs: Schema.Array(Summary),
  next: optional(Schema.String).annotations({ description: "What `after` is for the next page; nothing on the last one" })
}).annotations({ identifier: "RunPage" })

const Gate = Schema.Struct({
  question: Schema.String,
  asked: Schema.Int,
  askedAt: Schema.DateTimeUtc,
  until: optional(Schema.DateTimeUtc),
  answer: optional(Schema.Struct({
    decision: GateDecision,
    by: Schema.String,
    comment: optional(Schema.String),
    at: Schema.DateTimeUtc
  }))
})

/** A task of a run. */
export const Task = Schema.Struct({
  team: Schema.String,
  subject: Schema.String,
  ref: optional(Schema.String),
  assignTo: Schema.String,
  blockedBy: Schema.Array(Schema.String),
  status: Schema.Literal("waiting", "asked", "submitting", "submitted", "running", "retrying", "skipped", ...EndStatus.literals),
  id: optional(Schema.String).annotations({ description: "Its id on Agamemnon" }),
  earlier: Schema.Boolean.annotations({ description: "Whether an earlier run did it" }),
  attempt: Schema.Int,
  mostAttempts: Schema.Int,
  result: optional(Schema.String),
  outputs: optional(AnyRecord),
  problem: optional(Schema.String),
  verification: optional(Schema.String),
  usage: optional(Usage),
  submittedAt: optional(Schema.DateTimeUtc),
  startedAt: optional(Schema.DateTimeUtc),
  endedAt: optional(Schema.DateTimeUtc),
  retryAt: optional(Schema.DateTimeUtc),
  late: Schema.Boolean,
  continueOnError: Schema.Boolean,
  isGate: Schema.Boolean,
  gate: optional(Gate),
  uses: optional(Schema.String),
  merge: optional(Schema.Array(Schema.String)),
  hasMatrix: Schema.Boolean,
  instanceOf: optional(Schema.String),
  matrix: optional(AnyRecord)
}).annotations({ identifier: "Task" })

/** An agent, a team or a workspace of a run. */
export const Resource = Schema.Struct({
  kind: Schema.Literal("agent", "team", "workspace"),
  name: Schema.String,
  key: Schema.String,
  id: optional(Schema.String),
  reused: Schema.Boolean,
  status: Schema.Literal("creating", "created", "started", "removed", "kept", "left"),
  error: optional(Schema.String),
  usedBy: optional(Schema.String),
  worktree: optional(Schema.Struct({
    repository: Schema.String,
    branch: Schema.String,
    base: Schema.String,
    commits: Schema.Int
  }))
}).annotations({ identifier: "Resource" })

/** A run in full. */
export const Run = Schema.Struct({
  ...summary,
  url: Schema.String.annotations({ description: "Its Agamemnon; empty while it is queued" }),
  policy: TeardownPolicy,
  outcome: optional(Outcome),
  reason: Schema.String,
  budget: optional(Schema.Struct({
    usd: optional(Schema.Number),
    tokens: optional(Schema.Number),
    tasks: optional(Schema.Number),
    agentTimeSeconds: optional(Schema.Number)
  })),
  spent: Schema.Struct({
    usd: Schema.Number,
    reckonedUsd: optional(Schema.Number).annotations({ description: "How much of that was reckoned from tokens and prices" }),
    inputTokens: Schema.Number,
    outputTokens: Schema.Number,
    tasks: Schema.Number,
    agentTimeSeconds: Schema.Number,
    unknown: Schema.Struct({ usd: Schema.Number, tokens: Schema.Number })
  }),
  tasks: Schema.Array(Task),
  resources: Schema.Array(Resource)
}).annotations({ identifier: "Run" })

/** An event, and its place among those of its run. */
export const Placed = Schema.Struct({ seq: Schema.Int, event: RunEvent.RunEvent }).annotations({ identifier: "PlacedEvent" })

/** A page of the events of a run, in their order. */
export const EventPage = Schema.Struct({
  events: Schema.Array(Placed),
  next: Schema.Int.annotations({ description: "What `from` is for those that follow, or will" })
}).annotations({ identifier: "EventPage" })

const workflow = {
  workflow: Schema.String.annotations({ description: "The text of the workflow file, YAML or JSON" }),
  files: optional(Schema.Record({ key: Schema.String, value: Schema.String })).annotations({
    description: "The texts of the other files that its tasks use, by the paths that it names. No file of the server is read."
  })
}

/** A workflow to check. */
export const Workflow = Schema.Struct(workflow).annotations({ identifier: "Workflow" })

/** A workflow with its inputs. */
export const GivenWorkflow = Schema.Struct({ ...workflow, inputs: optional(GivenInputs) }).annotations({ identifier: "GivenWorkflow" })

/** The longest key of a submission. */
const maxKeyLength = 255

/** A workflow to run. */
export const Submission = Schema.Struct({
  ...GivenWorkflow.fields,
  key: optional(Schema.NonEmptyString.pipe(Schema.maxLength(maxKeyLength))).annotations({
    description: "Stands for the run: who submits with it again is answered with the same run"
  }),
  priority: optional(Schema.Int.pipe(Schema.between(-1000, 1000))).annotations({ description: "Runs with a higher one begin before others (0)" }),
  source: optional(Schema.String).annotations({ description: "Where the file is, for who looks at the run. Nobody reads it." })
}).annotations({ identifier: "Submission" })

/** What became of a submission. */
export const Submitted = Schema.Struct({
  run: Schema.String,
  workflow: Schema.String,
  isNew: Schema.Boolean.annotations({ description: "Whether it was submitted now, and not before" }),
  isSame: Schema.Boolean.annotations({ description: "Whether it is told to do what was submitted now" })
}).annotations({ identifier: "Submitted" })

const timesOfSchedule = {
  id: Schema.String,
  cron: Schema.String,
  timezone: Schema.String,
  inputs: optional(GivenInputs),
  overlap: Overlap,
  catchUp: CatchUp
}

/** A schedule that is on record. */
export const Schedule = Schema.Struct({
  ...timesOfSchedule,
  workflow: Schema.String,
  paused: Schema.Boolean,
  next: optional(Schema.String).annotations({ description: "The next of its times; nothing when it is paused" }),
  waiting: Schema.Array(Schema.String).annotations({ description: "The times that have come and have no run yet" }),
  last: optional(Schema.Struct({ at: Schema.String, run: optional(Schema.String), reason: optional(Schema.String) })).annotations({
    description: "What became of its last time: its run, or why it has none"
  }),
  lastRun: optional(Schema.Struct({ at: Schema.String, run: Schema.String, outcome: optional(Schema.String) })).annotations({
    description: "Its last run, the time that it is for, and how it has ended, or `queued` or `begun`"
  }),
  problem: optional(Schema.String).annotations({ description: "Why a run of it can not be submitted" })
}).annotations({ identifier: "Schedule" })

/** Schedules that are on record. */
export const Schedules = Schema.Struct({ schedules: Schema.Array(Schedule) }).annotations({ identifier: "Schedules" })

/** A page of them. */
export const SchedulePage = Schema.Struct({
  schedules: Schema.Array(Schedule),
  next: optional(Schema.String).annotations({ description: "What `after` is for the next page; nothing on the last one" })
}).annotations({ identifier: "SchedulePage" })

/** A workflow whose schedules are to be on record. */
export const ScheduledWorkflow = Schema.Struct({
  ...workflow,
  source: optional(Schema.String).annotations({ description: "Where the file is, for who looks at its runs. Nobody reads it." })
}).annotations({ identifier: "ScheduledWorkflow" })

/** What became of the schedules of a workflow. */
export const AddedSchedules = Schema.Struct({
  workflow: Schema.String,
  change: Schema.Literal("added", "changed", "unchanged").annotations({ description: "What its runs are told to do, against before" }),
  schedules: Schema.Array(Schema.Struct({
    ...timesOfSchedule,
    change: Schema.Literal("added", "changed", "unchanged", "removed"),
    next: optional(Schema.String)
  }))
}).annotations({ identifier: "AddedSchedules" })

/** The run that a schedule was asked for. */
export const ScheduledRun = Schema.Struct({
  schedule: Schema.String,
  workflow: Schema.String,
  run: optional(Schema.String).annotations({ description: "Nothing when it begins only when the one before it is over" })
}).annotations({ identifier: "ScheduledRun" })

/** What is to be said of a workflow. */
export const Checked = Schema.Struct({
  valid: Schema.Boolean,
  workflow: optional(Schema.String),
  agents: optional(Schema.Int),
  teams: optional(Schema.Int),
  tasks: optional(Schema.Int),
  uses: optional(Schema.Array(Schema.String)),
  problems: Schema.Array(Problem),
  omitted: Schema.Int.annotations({ description: "How many problems more there are" }),
  warnings: Schema.Array(Warning)
}).annotations({ identifier: "Checked" })

/** What a run of a workflow would do. */
export const Plan = AnyRecord.annotations({ identifier: "Plan", description: "The same as `telemachy plan --json`" })

/** The runs that somebody may want to look at. */
export const Overview = Schema.Struct({
  runs: Schema.Array(Summary),
  total: Schema.Int.annotations({ description: "How many runs there are" })
}).annotations({ identifier: "Overview" })

/** How a run is to go on. */
export const Resumption = Schema.Struct({
  retryFailed: optional(Schema.Boolean).annotations({ description: "Whether tasks that have failed are submitted again (false)" })
}).annotations({ identifier: "Resumption" })

/** What became of the wish that a run goes on. */
export const Resumed = Schema.Struct({
  run: Schema.String,
  isNew: Schema.Boolean.annotations({ description: "Whether it did not wait for a runner before" }),
  place: Schema.Int.annotations({ description: "The place of the event by which it waits: `from` of what happens from then on" })
}).annotations({ identifier: "Resumed" })

/** What became of the wish that a run ends. */
export const Cancelled = Schema.Struct({
  run: Schema.String,
  status: Schema.Literal("withdrawn", "cancelling", "unheard", "over", "abandoned").annotations({
    description: "It was queued and is cancelled; its owner has heard of it, or has not yet; it was over before; or nobody " +
      "drives it, and what it has left is to be cleaned up"
  }),
  outcome: optional(Outcome).annotations({ description: "How it has ended before, if it has" })
}).annotations({ identifier: "Cancelled" })

/** An answer to a gate. */
export const Answer = Schema.Struct({
  task: optional(Schema.String).annotations({ description: "The gate; the only one that asks when it is left out" }),
  decision: GateDecision,
  comment: optional(Schema.String),
  redo: optional(Schema.String).annotations({ description: "The task before the gate that is done again" })
}).annotations({ identifier: "Answer" })

/** What became of an answer. */
export const Answered = Schema.Struct({
  run: Schema.String,
  team: Schema.String,
  subject: Schema.String,
  asked: Schema.Int.annotations({ description: "For which time it asked" }),
  redo: optional(Schema.Struct({ team: Schema.String, subject: Schema.String })).annotations({ description: "The task that is done again" }),
  isDriven: Schema.Boolean.annotations({ description: "Whether somebody drives the run, who hears of it" })
}).annotations({ identifier: "Answered" })

/** What became of what a run had left. */
export const Cleaned = Schema.Struct({
  run: Schema.String,
  workflow: Schema.String,
  removed: Schema.Array(Resource),
  remaining: Schema.Array(Resource)
}).annotations({ identifier: "Cleaned" })

/** Something that a run has left or kept. */
export const Leftover = Schema.Struct({
  run: Schema.String,
  workflow: Schema.String,
  url: Schema.String,
  since: optional(Schema.DateTimeUtc).annotations({ description: "When its run ended, or was last heard of" }),
  resource: Resource,
  usd: optional(Schema.Number).annotations({ description: "What an agent has cost since then, in US dollars, where AGENT_USD_PER_HOUR is set" })
}).annotations({ identifier: "Leftover" })

/** All that runs have left or kept, as far as it is looked at. */
export const Leftovers = Schema.Struct({
  leftovers: Schema.Array(Leftover),
  omitted: Schema.Int.annotations({ description: "How many runs more have left something" })
}).annotations({ identifier: "Leftovers" })

/** A runner that lives. */
export const Runner = Schema.Struct({
  id: Schema.String,
  host: Schema.String,
  pid: Schema.Int,
  agamemnon: Schema.String,
  since: Schema.DateTimeUtc,
  maxRuns: Schema.Int,
  running: Schema.Int,
  draining: Schema.Boolean,
  reachable: Schema.Boolean.annotations({ description: "Whether Agamemnon answers it" }),
  overdueMessages: Schema.Number.annotations({ description: "How many messages of the cluster nobody has answered for more than 30 s, as it sees them" })
}).annotations({ identifier: "Runner" })

/** What a check of the chain of a run has found. */
export const Verification = Schema.Struct({
  events: Schema.Int,
  breaks: Schema.Array(Schema.Struct({ run: Schema.String, seq: Schema.Number, tag: Schema.String, problem: Schema.String }))
}).annotations({ identifier: "Verification" })

/** Whether the server can do its work. */
export const Health = Schema.Struct({ status: Schema.Literal("ok"), journal: Schema.String }).annotations({ identifier: "Health" })

/** What a browser logs in with: one of them. */
export const Login = Schema.Struct({
  key: optional(Schema.NonEmptyString),
  link: optional(Schema.NonEmptyString)
}).annotations({ identifier: "Login" })

/** Who asks, and what that one may do. */
export const Session = Schema.Struct({
  name: Schema.String,
  role: Schema.Literal("read", "operate"),
  until: optional(Schema.DateTimeUtc).annotations({ description: "When the session of a browser ends" })
}).annotations({ identifier: "Session" })

/** Which server answers. */
export const Version = Schema.Struct({ name: Schema.String, version: Schema.String }).annotations({ identifier: "Version" })
