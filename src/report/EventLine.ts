/** Every event of a run as one line of text for people. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Match from "effect/Match"
import * as Stream from "effect/Stream"
import * as BudgetUse from "../run/BudgetUse.ts"
import * as ConcurrencyGroup from "../run/ConcurrencyGroup.ts"
import type { RunEvent } from "../run/RunEvent.ts"
import type * as Usage from "../run/Usage.ts"
import { count, duration, lastLines, oneLine } from "./Format.ts"
import type { Style } from "./Style.ts"

/**
 * What a line tells of: a step of something that another line tells of, the ordinary course of a run, something that needs
 * attention, or something that went wrong.
 */
export type Weight = "step" | "ordinary" | "notable" | "wrong"

/** An event in words. */
export interface EventLine {
  readonly weight: Weight
  readonly text: string
  /** What Agamemnon calls the thing, for who wants to know all. */
  readonly id?: string | undefined
}

const step = (text: string, id?: string): EventLine => ({ weight: "step", text, id })
const ordinary = (text: string, id?: string): EventLine => ({ weight: "ordinary", text, id })
const notable = (text: string): EventLine => ({ weight: "notable", text })
const wrong = (text: string): EventLine => ({ weight: "wrong", text })

interface Named {
  readonly name: string
}

interface Identified extends Named {
  readonly id?: string
}

const identified = ({ id }: Identified): string => (id === undefined ? "" : ` (${id})`)

const lifecycle = <Kind extends "agent" | "team">(kind: Kind) => ({
  creating: ({ name }: Named) => step(`${kind} ${name}: creating`),
  created: ({ id, name }: Identified) => ordinary(`${kind} ${name}: created`, id),
  reused: ({ id, name }: Identified) => ordinary(`${kind} ${name}: reused`, id),
  removed: ({ made = true, name }: Named & { readonly made?: boolean }) =>
    ordinary(`${kind} ${name}: ${made ? "removed" : "was never made"}`),
  kept: (event: Identified & { readonly usedBy?: string }) =>
    notable(
      `${kind} ${event.name}: kept${identified(event)}${event.usedBy === undefined ? "" : ` for run ${event.usedBy}, which uses it`}`
    ),
  left: (event: Identified & { readonly error: string }) =>
    wrong(`${kind} ${event.name}: could not be removed${identified(event)}: ${event.error}`)
})

const workspace = ({ name }: Named): string => `workspace ${name}`

const agent = lifecycle("agent")
const team = lifecycle("team")

const task = ({ subject, team }: { readonly team: string; readonly subject: string }): string => `task ${team}/${subject}`

const pings = (failures: number): string => (failures === 1 ? "a ping was not answered" : `${failures} pings in a row were not answered`)

type Beginning = Omit<Extract<RunEvent, { readonly _tag: "run.started" }>, "_tag">

const extent = ({ agents, teams }: Pick<Beginning, "agents" | "teams">): string => {
  const tasks = teams.reduce((sum, { tasks }) => sum + tasks.length, 0)
  return [count(agents.length, "agent"), count(teams.length, "team"), count(tasks, "task")].join(", ")
}

const beginning = ({ policy, timeout, url, ...declared }: Beginning): string =>
  `on ${url}, ${extent(declared)}, teardown ${policy}, limit ${duration(timeout)}`

const leftovers = (removed: number, left: number, runs: number): string => {
  const earlier = `of ${count(runs, "earlier run")}`
  return left === 0
    ? `removed ${count(removed, "leftover")} ${earlier}`
    : `removed ${count(removed, "leftover")} ${earlier}, and could not remove ${left} more`
}

const waitedFor = ({ grace, pending, reason }: Extract<RunEvent, { readonly _tag: "teardown.waiting" }>): string => {
  if (pending === undefined) return `up to ${duration(grace)} for Agamemnon to answer`
  const [first = "", ...others] = pending
  const what = others.length === 0 ? first : `${first} and ${others.length} more`
  return `for ${what}${reason === undefined ? "" : `: ${reason}`}`
}

/** Why Agamemnon is told that a task has failed. */
const failingWords = {
  failed: "its worker has failed",
  timeout: "it has taken too long",
  stalled: "it has shown no sign of life for too long",
  superseded: "an attempt before it has completed"
}

const gateWords = { approved: "approved", rejected: "rejected", redo: "sent back" }

/** What a task has used, or that what it reports of that can not be read. */
const used = ({ usage = {}, usageProblem }: Usage.Known): string => {
  const { inputTokens, isReckoned = false, outputTokens, usd } = usage
  const tokens = inputTokens === undefined && outputTokens === undefined ? undefined : (inputTokens ?? 0) + (outputTokens ?? 0)
  return [
    ...(usd === undefined ? [] : [`, ${BudgetUse.usdInWords(usd)} USD${isReckoned ? " reckoned" : ""}`]),
    ...(tokens === undefined ? [] : [`, ${count(tokens, "token")}`]),
    ...(usageProblem === undefined ? [] : [`, what it has used is unknown: ${usageProblem}`])
  ].join("")
}

const inTime = (wait: Duration.Duration): string => Duration.equals(wait, Duration.zero) ? " at once" : ` in ${duration(wait)}`

/** Tells of an event in words. */
export const describe: (event: RunEvent) => EventLine = Match.typeTags<RunEvent, EventLine>()({
  "run.submitted": (event) =>
    ordinary(`workflow ${event.workflow}: run ${event.run} ${
      event.again === undefined ? `submitted, ${extent(event)}` : `is to go on, asked for by ${event.again.by}`
    }`),
  "run.started": (event) => ordinary(`workflow ${event.workflow}: run ${event.run} ${beginning(event)}`),
  "run.queued": (event) =>
    notable(`workflow ${event.workflow}: run ${event.run} waits, place ${event.place}: ${ConcurrencyGroup.fullInWords(event)}`),
  "run.resumed": (event) => ordinary(`workflow ${event.workflow}: run ${event.run} resumed ${beginning(event)}`),
  "agent.creating": agent.creating,
  "agent.created": agent.created,
  "agent.reused": agent.reused,
  "agent.started": ({ name }) => step(`agent ${name}: started`),
  "agent.removed": agent.removed,
  "agent.kept": agent.kept,
  "agent.left": agent.left,
  "team.creating": team.creating,
  "team.created": team.created,
  "team.reused": team.reused,
  "team.removed": team.removed,
  "team.kept": team.kept,
  "team.left": team.left,
  "workspace.creating": (event) => step(`${workspace(event)}: making it`),
  "workspace.created": (event) => ordinary(`${workspace(event)}: made`, event.id),
  "workspace.reused": (event) => ordinary(`${workspace(event)}: used again`, event.id),
  "workspace.removed": (event) =>
    event.commits === undefined
      ? ordinary(`${workspace(event)}: removed`)
      : notable(`${workspace(event)}: removed, its branch is kept for ${count(event.commits, "commit")}`),
  "workspace.kept": (event) => notable(`${workspace(event)}: kept${identified(event)}`),
  "workspace.left": (event) => wrong(`${workspace(event)}: could not be removed: ${event.error}`),
  "task.expanded": (event) => ordinary(`${task(event)}: ${count(event.instances.length, "instance")} of its matrix`),
  "task.submitting": (event) =>
    event.changed === true
      ? notable(`${task(event)}: submitting it anew, because its declaration has changed`)
      : step(`${task(event)}: submitting`),
  "task.submitted": (event) => ordinary(`${task(event)}: submitted`, event.id),
  "task.watched": (event) => ordinary(`${task(event)}: found in progress, watching it`, event.id),
  "task.progressed": (event) => ordinary(`${task(event)}: ${event.status}`),
  "task.failing": (event) => notable(`${task(event)}: ${failingWords[event.as ?? "failed"]}, telling Agamemnon`),
  "task.retrying": (event) =>
    notable(`${task(event)}: attempt ${event.attempt} ended as ${event.status}, the next follows${inTime(event.wait)}${used(event)}`),
  "task.finished": (event) => {
    const why = [event.problem, event.final].flatMap((each) => (each === undefined ? [] : [`, ${each}`])).join("")
    const line = `${task(event)}: ${event.status}${event.earlier ? " earlier" : ""}${why}${used(event)}`
    if (event.status !== "completed") return wrong(line)
    return event.usageProblem === undefined ? ordinary(line) : notable(line)
  },
  "task.late": (event) => notable(`${task(event)}: attempt ${event.attempt} has completed late, which changes nothing${used(event)}`),
  "task.refused": (event) => wrong(`${task(event)}: failed, ${event.reason}`),
  "task.skipped": (event) =>
    event.condition === true
      ? ordinary(`${task(event)}: skipped by a condition`)
      : notable(`${task(event)}: skipped, because a task before it did not complete`),
  "gate.asked": (event) => notable(`${task(event)}: waits for an answer: ${event.question}`),
  "gate.answered": (event) => {
    const said = `${task(event)}: ${gateWords[event.decision]} by ${event.by}${event.comment === undefined ? "" : `: ${event.comment}`}`
    return event.decision === "rejected" ? wrong(said) : ordinary(said)
  },
  "uses.started": (event) => ordinary(`${task(event)}: using ${event.uses}`),
  "uses.finished": (event) => {
    const line = `${task(event)}: ${event.status}${event.problem === undefined ? "" : `, ${event.problem}`}`
    return event.status === "completed" ? ordinary(line) : wrong(line)
  },
  "merge.started": (event) => ordinary(`${task(event)}: merging ${event.branches.map(({ branch }) => branch).join(", ")}`),
  "merge.attempted": (event) =>
    notable(`${task(event)}: what was to resolve the conflicts in ${event.files.join(", ")} ended as ${event.status}${used(event)}`),
  "merge.finished": (event) => {
    const line = `${task(event)}: ${event.status}${event.problem === undefined ? "" : `, ${event.problem}`}`
    return event.status === "completed" ? ordinary(line) : wrong(line)
  },
  "request.failed": ({ error }) => notable(`trying again: ${error}`),
  "connectivity.alive": () => step("heartbeat: Agamemnon answers"),
  "connectivity.suspect": ({ failures }) => notable(`heartbeat: ${pings(failures)}`),
  "connectivity.lost": ({ failures }) => wrong(`heartbeat: ${pings(failures)}, connectivity is lost`),
  "feed.lost": ({ reason }) => notable(`no events, going on by polling: ${reason}`),
  "feed.restored": () => notable("events come now"),
  "team.shared": ({ name }) =>
    notable(`team ${name}: ANOTHER RUN submits tasks to it; each task is looked for before it is submitted`),
  "run.waiting": ({ limit }) =>
    notable(`waiting up to ${duration(limit)} for what an earlier process may have sent last, so that nothing is done twice`),
  "run.yielded": ({ reason }) => notable(`handed over (${reason}): what the run made is left to whoever goes on with it`),
  "run.cancelling": ({ by }) => notable(`cancelled by ${by}: taking down what the run made`),
  "leftovers.removed": ({ left, removed, runs }) =>
    left === 0 ? ordinary(leftovers(removed, left, runs.length)) : notable(leftovers(removed, left, runs.length)),
  "record.failed": ({ error }) => wrong(`THE RUN IS NOT RECORDED from here on: ${error}`),
  "record.restored": () => notable("the run is recorded again, without a gap"),
  "run.decided": ({ outcome, reason }) =>
    step(outcome === "completed" ? "all tasks completed" : `the run ended: ${reason === "" ? outcome : reason}`),
  "teardown.started": ({ decision }) =>
    step(decision === "remove" ? "teardown: removing what the run made" : "teardown: keeping what the run made"),
  "teardown.waiting": (event) => notable(`teardown: waiting ${waitedFor(event)}`),
  "run.finished": ({ left, outcome }) =>
    left === 0 ? ordinary(`run ${outcome}`) : wrong(`run ${outcome}, ${count(left, "resource")} could not be removed`),
  "run.forgotten": () => notable("what the run has said was forgotten")
})

const paints = { notable: "doubtful", wrong: "bad" } as const

/** How much is told: every step with its id, each thing that happens once, or only what the end of a run does not say. */
export type Detail = "every step" | "each thing" | "what the end does not say"

/** What the end of a run says of itself. */
const toldAtTheEnd: ReadonlySet<RunEvent["_tag"]> = new Set([
  "agent.kept",
  "agent.left",
  "team.kept",
  "team.left",
  "workspace.removed",
  "workspace.kept",
  "workspace.left",
  "task.finished",
  "merge.finished",
  "task.skipped",
  "run.cancelling",
  "run.finished"
])

const isTold = ({ _tag }: RunEvent, weight: Weight, detail: Detail): boolean => {
  switch (detail) {
    case "every step":
      return true
    case "each thing":
      return weight !== "step"
    case "what the end does not say":
      return weight !== "step" && weight !== "ordinary" && !toldAtTheEnd.has(_tag)
  }
}

/** How events are rendered. */
export interface Options {
  readonly style: Style
  readonly detail: Detail
  /** Since when times are counted. Defaults to the first event. */
  readonly since?: DateTime.Utc | undefined
}

/** What the events before one have to do with how that is told. */
interface Before {
  readonly since: DateTime.Utc | undefined
  /** When the process that drives the run has begun to. */
  readonly begun: DateTime.Utc | undefined
  /** Whether a ping was not answered, and none since. */
  readonly isSuspect: boolean
}

const describeAfter = ({ isSuspect }: Before, event: RunEvent): EventLine =>
  event._tag === "connectivity.alive" && isSuspect ? notable("heartbeat: Agamemnon answers again") : describe(event)

/** Renders an event as lines of which the first begins with the time since the run began; none if that much is not to be told. */
const render = (before: Before, event: RunEvent, { detail, style }: Options): ReadonlyArray<string> => {
  const { id, text, weight } = describeAfter(before, event)
  if (!isTold(event, weight, detail)) return []
  const line = oneLine(id === undefined || detail !== "every step" ? text : `${text} (${id})`)
  const painted = weight === "step" || weight === "ordinary" ? line : style[paints[weight]](line)
  const at = event.elapsed === undefined || before.begun === undefined ? event.at : DateTime.addDuration(before.begun, event.elapsed)
  const elapsed = DateTime.distanceDuration(before.since ?? at, at)
  const result = detail === "every step" && event._tag === "task.finished" ? event.result ?? "" : ""
  return [
    `${style.faint(duration(elapsed).padStart(8))}  ${painted}`,
    ...lastLines(result, Number.POSITIVE_INFINITY).map((each) => `          | ${each}`)
  ]
}

const isBeginning = ({ _tag }: RunEvent): boolean => _tag === "run.started" || _tag === "run.resumed"

const isAnswer = ({ _tag }: RunEvent): boolean => _tag === "connectivity.alive" || _tag === "run.resumed"

/** Renders the events of a run, which are given to it one after the other. */
export const renderer = (options: Options): (event: RunEvent) => ReadonlyArray<string> => {
  let before: Before = { since: options.since, begun: undefined, isSuspect: false }
  return (event) => {
    const known = { ...before, since: before.since ?? event.at, begun: isBeginning(event) ? event.at : before.begun }
    before = { ...known, isSuspect: event._tag === "connectivity.suspect" || (before.isSuspect && !isAnswer(event)) }
    return render(known, event, options)
  }
}

/** Renders events, each as it comes. */
export const lines = <E, R>(events: Stream.Stream<RunEvent, E, R>, options: Options): Stream.Stream<string, E, R> =>
  Stream.suspend(() => Stream.mapConcat(events, renderer(options)))
