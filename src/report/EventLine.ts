/** Every event of a run as one line of text for people. */
import type * as Duration from "effect/Duration"
import * as Match from "effect/Match"
import type { RunEvent } from "../run/RunEvent.ts"
import { count, duration, oneLine } from "./Format.ts"
import type { Style } from "./Style.ts"

/** What a line tells of: the ordinary course of a run, something that needs attention, or something that went wrong. */
export type Weight = "ordinary" | "notable" | "wrong"

/** An event in words. */
export interface EventLine {
  readonly weight: Weight
  readonly text: string
}

const ordinary = (text: string): EventLine => ({ weight: "ordinary", text })
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
  creating: ({ name }: Named) => ordinary(`${kind} ${name}: creating`),
  created: (event: Identified) => ordinary(`${kind} ${event.name}: created${identified(event)}`),
  reused: (event: Identified) => ordinary(`${kind} ${event.name}: reused${identified(event)}`),
  removed: ({ made = true, name }: Named & { readonly made?: boolean }) =>
    ordinary(`${kind} ${name}: ${made ? "removed" : "was never made"}`),
  kept: (event: Identified & { readonly usedBy?: string }) =>
    notable(
      `${kind} ${event.name}: kept${identified(event)}${event.usedBy === undefined ? "" : ` for run ${event.usedBy}, which uses it`}`
    ),
  left: (event: Identified & { readonly error: string }) =>
    wrong(`${kind} ${event.name}: could not be removed${identified(event)}: ${event.error}`)
})

const agent = lifecycle("agent")
const team = lifecycle("team")

const task = ({ subject, team }: { readonly team: string; readonly subject: string }): string => `task ${team}/${subject}`

const pings = (failures: number): string => (failures === 1 ? "a ping was not answered" : `${failures} pings in a row were not answered`)

type Beginning = Omit<Extract<RunEvent, { readonly _tag: "run.started" }>, "_tag">

const beginning = ({ agents, policy, teams, timeout, url }: Beginning): string => {
  const tasks = teams.reduce((sum, { tasks }) => sum + tasks.length, 0)
  const parts = [count(agents.length, "agent"), count(teams.length, "team"), count(tasks, "task")]
  return `on ${url}, ${parts.join(", ")}, teardown ${policy}, limit ${duration(timeout)}`
}

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

/** Tells of an event in words. */
export const describe: (event: RunEvent) => EventLine = Match.typeTags<RunEvent, EventLine>()({
  "run.started": (event) => ordinary(`workflow ${event.workflow}: run ${event.run} ${beginning(event)}`),
  "run.resumed": (event) => ordinary(`workflow ${event.workflow}: run ${event.run} resumed ${beginning(event)}`),
  "agent.creating": agent.creating,
  "agent.created": agent.created,
  "agent.reused": agent.reused,
  "agent.started": ({ name }) => ordinary(`agent ${name}: started`),
  "agent.removed": agent.removed,
  "agent.kept": agent.kept,
  "agent.left": agent.left,
  "team.creating": team.creating,
  "team.created": team.created,
  "team.reused": team.reused,
  "team.removed": team.removed,
  "team.kept": team.kept,
  "team.left": team.left,
  "task.submitting": (event) =>
    event.changed === true
      ? notable(`${task(event)}: submitting it anew, because its declaration has changed`)
      : ordinary(`${task(event)}: submitting`),
  "task.submitted": (event) => ordinary(`${task(event)}: submitted (${event.id})`),
  "task.watched": (event) => ordinary(`${task(event)}: found in progress, watching it (${event.id})`),
  "task.progressed": (event) => ordinary(`${task(event)}: ${event.status}`),
  "task.failing": (event) => notable(`${task(event)}: its worker has failed, telling Agamemnon`),
  "task.finished": (event) => {
    const line = `${task(event)}: ${event.status}${event.earlier ? " earlier" : ""}`
    return event.status === "completed" ? ordinary(line) : wrong(line)
  },
  "task.skipped": (event) => notable(`${task(event)}: skipped, because a task before it did not complete`),
  "request.failed": ({ error }) => notable(`trying again: ${error}`),
  "connectivity.alive": () => ordinary("heartbeat: Agamemnon answers"),
  "connectivity.suspect": ({ failures }) => notable(`heartbeat: ${pings(failures)}`),
  "connectivity.lost": ({ failures }) => wrong(`heartbeat: ${pings(failures)}, connectivity is lost`),
  "feed.lost": ({ reason }) => notable(`no events, going on by polling: ${reason}`),
  "feed.restored": () => notable("events come now"),
  "team.shared": ({ name }) =>
    notable(`team ${name}: ANOTHER RUN submits tasks to it; each task is looked for before it is submitted`),
  "run.waiting": ({ limit }) =>
    notable(`waiting up to ${duration(limit)} for what an earlier process may have sent last, so that nothing is done twice`),
  "run.cancelling": ({ by }) => notable(`cancelled by ${by}: taking down what the run made`),
  "leftovers.removed": ({ left, removed, runs }) =>
    left === 0 ? ordinary(leftovers(removed, left, runs.length)) : notable(leftovers(removed, left, runs.length)),
  "record.failed": ({ error }) => wrong(`THE RUN IS NOT RECORDED from here on: ${error}`),
  "record.restored": () => notable("the run is recorded again, without a gap"),
  "run.decided": ({ outcome, reason }) =>
    ordinary(outcome === "completed" ? "all tasks completed" : `the run ended: ${reason === "" ? outcome : reason}`),
  "teardown.started": ({ decision }) =>
    ordinary(decision === "remove" ? "teardown: removing what the run made" : "teardown: keeping what the run made"),
  "teardown.waiting": (event) => notable(`teardown: waiting ${waitedFor(event)}`),
  "run.finished": ({ left, outcome }) =>
    left === 0 ? ordinary(`run ${outcome}`) : wrong(`run ${outcome}, ${count(left, "resource")} could not be removed`),
  "run.forgotten": () => notable("what the run has said was forgotten")
})

const paints = { notable: "doubtful", wrong: "bad" } as const

/** Renders an event as a line that begins with the time since the run began. */
export const render = (event: RunEvent, elapsed: Duration.Duration, style: Style): string => {
  const { text, weight } = describe(event)
  const line = oneLine(text)
  return `${style.faint(duration(elapsed).padStart(8))}  ${weight === "ordinary" ? line : style[paints[weight]](line)}`
}
