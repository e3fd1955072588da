/**
 * What a run has used, as its events tell it: what its attempts have reported,
 * how many of them have reported nothing, and how long its agents have lived.
 */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as HashMap from "effect/HashMap"
import type { RunEvent } from "./RunEvent.ts"
import * as TaskState from "./TaskState.ts"
import type { Usage } from "./Usage.ts"

/** What a run has used so far. */
export interface RunUsage {
  /** In US dollars, to a millionth. */
  readonly usd: number
  /** How much of that nobody has reported, and was reckoned from tokens. */
  readonly reckonedUsd: number
  readonly inputTokens: number
  readonly outputTokens: number
  /** How many tasks were submitted, each attempt counted. */
  readonly tasks: number
  /** How many attempts there were, those that earlier runs had submitted among them. */
  readonly attempts: number
  /** How many attempts have reported what they cost, and how many have reported both kinds of tokens. */
  readonly known: { readonly usd: number; readonly tokens: number }
  /** How many attempts are under way. */
  readonly open: number
  /** The lives of agents: the time of those that are over, and since when the others live. */
  readonly agents: { readonly ended: Duration.Duration; readonly since: HashMap.HashMap<string, DateTime.Utc> }
}

/** Before anything has happened. */
export const none: RunUsage = {
  usd: 0,
  reckonedUsd: 0,
  inputTokens: 0,
  outputTokens: 0,
  tasks: 0,
  attempts: 0,
  known: { usd: 0, tokens: 0 },
  open: 0,
  agents: { ended: Duration.zero, since: HashMap.empty() }
}

/** An event of a task. */
export type TaskEvent = Extract<RunEvent, { readonly team: string; readonly subject: string }>

/** Adds sums of money without what binary fractions leave. */
const addUsd = (one: number, other: number): number => Math.round((one + other) * 1_000_000) / 1_000_000

/** The number of the attempt of which an event tells the end. */
const endedAttempt = (event: TaskEvent, { attempt }: TaskState.TaskState): number | undefined => {
  switch (event._tag) {
    case "task.finished":
      return event.attempt ?? attempt
    case "task.retrying":
    case "merge.attempted":
    case "task.late":
      return event.attempt
    default:
      return undefined
  }
}

/** What an event has told of what an attempt has used, which nothing had told before. */
const newlyKnown = (event: TaskEvent, before: TaskState.TaskState, after: TaskState.TaskState): Usage | undefined => {
  const number = endedAttempt(event, before)
  return number === undefined || TaskState.usageOf(before, number) !== undefined ? undefined : TaskState.usageOf(after, number)
}

const withKnown = (usage: RunUsage, { inputTokens, isReckoned = false, outputTokens, usd }: Usage): RunUsage => ({
  ...usage,
  usd: addUsd(usage.usd, usd ?? 0),
  reckonedUsd: addUsd(usage.reckonedUsd, isReckoned ? usd ?? 0 : 0),
  inputTokens: usage.inputTokens + (inputTokens ?? 0),
  outputTokens: usage.outputTokens + (outputTokens ?? 0),
  known: {
    usd: usage.known.usd + (usd === undefined ? 0 : 1),
    tokens: usage.known.tokens + (inputTokens === undefined || outputTokens === undefined ? 0 : 1)
  }
})

const openOf = (task: TaskState.TaskState): number => (TaskState.isOpen(task) ? 1 : 0)

/** Takes in what has happened to a task. */
export const afterTask = (usage: RunUsage, event: TaskEvent, before: TaskState.TaskState, after: TaskState.TaskState): RunUsage => {
  // One that was about to be submitted when a process ended is submitted under the same number again.
  const submitted = event._tag === "task.submitting" && (event.attempt ?? 1) !== before.attempt ? 1 : 0
  const found = event._tag === "task.watched" && before.attempt === 0 ? 1 : 0
  const open = openOf(after) - openOf(before)
  const known = newlyKnown(event, before, after)
  if (submitted + found === 0 && open === 0 && known === undefined) return usage
  const counted = { ...usage, tasks: usage.tasks + submitted, attempts: usage.attempts + submitted + found, open: usage.open + open }
  return known === undefined ? counted : withKnown(counted, known)
}

/** An agent begins to live. */
export const born = (usage: RunUsage, { at, name }: { readonly name: string; readonly at: DateTime.Utc }): RunUsage =>
  HashMap.has(usage.agents.since, name)
    ? usage
    : { ...usage, agents: { ...usage.agents, since: HashMap.set(usage.agents.since, name, at) } }

/** An agent lives no longer, or is none of the run's any more. */
export const gone = (usage: RunUsage, { at, name }: { readonly name: string; readonly at: DateTime.Utc }): RunUsage =>
  allGone(usage, at, (each) => each !== name)

/** No agent lives any longer, but for those that do. */
export const allGone = (usage: RunUsage, at: DateTime.Utc, lives: (name: string) => boolean = () => false): RunUsage => {
  const over = HashMap.filter(usage.agents.since, (_, name) => !lives(name))
  return HashMap.isEmpty(over) ? usage : {
    ...usage,
    agents: {
      ended: HashMap.reduce(over, usage.agents.ended, (sum, since) => Duration.sum(sum, lived(since, at))),
      since: HashMap.filter(usage.agents.since, (_, name) => lives(name))
    }
  }
}

// The clock may have been set back.
const lived = (since: DateTime.Utc, at: DateTime.Utc): Duration.Duration => Duration.millis(Math.max(0, DateTime.distance(since, at)))

/** How long the agents have lived by then, all of them together. */
export const agentTime = ({ agents }: RunUsage, at: DateTime.Utc): Duration.Duration =>
  HashMap.reduce(agents.since, agents.ended, (sum, since) => Duration.sum(sum, lived(since, at)))

/** What the tasks of a run that goes on have used, some of which it may not have any more. */
export const carryOver = (usage: RunUsage, tasks: Iterable<TaskState.TaskState>): RunUsage => {
  let open = 0
  for (const task of tasks) open += openOf(task)
  return { ...usage, open }
}

/** Goes on from what was told of what a run had used before, for who has not seen it. What was under way tells of itself. */
export const from = ({ agentTime, inputTokens, outputTokens, reckonedUsd = 0, tasks, unknown, usd }: Spent): RunUsage => {
  const attempts = Math.max(unknown.usd, unknown.tokens)
  return {
    ...none,
    usd,
    reckonedUsd,
    inputTokens,
    outputTokens,
    tasks,
    attempts,
    known: { usd: attempts - unknown.usd, tokens: attempts - unknown.tokens },
    agents: { ...none.agents, ended: agentTime }
  }
}

/** What a run has used, as it is told. */
export interface Spent {
  /** In US dollars, as far as that is known. */
  readonly usd: number
  /** How much of that was reckoned from tokens and prices, because nobody has reported it; absent when it is none. */
  readonly reckonedUsd?: number
  /** Tokens that were read, and that were written, as far as that is known. */
  readonly inputTokens: number
  readonly outputTokens: number
  /** How many tasks were submitted, each attempt counted. */
  readonly tasks: number
  /** How long its agents have lived, all of them together. */
  readonly agentTime: Duration.Duration
  /** Of how many attempts it is not known what they have cost, or how many tokens they have used. */
  readonly unknown: { readonly usd: number; readonly tokens: number }
}

/** Tells what a run has used at some time. What is under way has yet to report; of a run that is decided, nothing does. */
export const spentAt = (usage: RunUsage, at: DateTime.Utc, isDecided: boolean): Spent => {
  const { attempts, inputTokens, known, open, outputTokens, reckonedUsd, tasks, usd } = usage
  const ended = isDecided ? attempts : attempts - open
  return {
    usd,
    ...(reckonedUsd === 0 ? {} : { reckonedUsd }),
    inputTokens,
    outputTokens,
    tasks,
    agentTime: agentTime(usage, at),
    unknown: { usd: Math.max(0, ended - known.usd), tokens: Math.max(0, ended - known.tokens) }
  }
}

/** Whether anything was reported. */
export const isReported = ({ known, inputTokens, outputTokens, usd }: RunUsage): boolean =>
  known.usd > 0 || usd + inputTokens + outputTokens > 0
