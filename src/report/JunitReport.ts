/**
 * A run as JUnit XML, which CI services read: a test suite for each team, a test case for each task. A task that failed
 * is a failure, one that ended otherwise or did not end is an error, and one that never began is skipped. Where the run
 * ended without being cancelled, what it did not get to is an error as well: nothing else would show that it went wrong.
 */
import { stripVTControlCharacters } from "node:util"
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as RunState from "../run/RunState.ts"
import { lastLines, oneLine } from "./Format.ts"

/** Renders a run that is over, or that nobody waits for any longer. */
export const render = (state: RunState.RunState): string => {
  const cases = RunState.tasks(state).map((task) => ({ task, verdict: verdictOf(task, state) }))
  const of = Arr.groupBy(cases, ({ task }) => task.team)
  const suites = state.declared.teams.flatMap(({ name }) => suite(name, of[name] ?? [], state))
  const all = { name: state.workflow, ...counts(cases), time: seconds(state.startedAt, state.endedAt) }
  return [
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
    ...element("testsuites", all, suites),
    ""
  ].join("\n")
}

/** What a test case says beside its name and its time. */
type Verdict =
  | { readonly is: "passed"; readonly output: string }
  | { readonly is: "failure" | "error" | "skipped"; readonly message: string; readonly output: string }

interface Case {
  readonly task: RunState.TaskState
  readonly verdict: Verdict
}

const verdictOf = (task: RunState.TaskState, { outcome, reason }: RunState.RunState): Verdict => {
  const { result: output = "", status } = task
  if (RunState.isTolerated(task)) return { is: "skipped", message: `it ended as ${status}, which the workflow tolerates`, output }
  const isCancelled = outcome === undefined || outcome === "cancelled"
  const why = reason === "" ? `the run was ${isCancelled ? "cancelled" : "ended"}` : reason
  switch (status) {
    case "completed":
      return { is: "passed", output }
    case "failed":
      return { is: "failure", message: task.problem ?? lastLines(output, 1)[0] ?? "the task failed", output }
    case "timeout":
      return { is: "failure", message: "the task took too long", output }
    case "stalled":
      return { is: "failure", message: "the task showed no sign of life for too long", output }
    case "error":
    case "cancelled":
      return { is: "error", message: `the task ended as ${status}`, output }
    case "skipped":
      return { is: "skipped", message: task.byCondition ? "a condition does not hold" : "a task that it waits for did not complete", output }
    case "waiting":
      return { is: isCancelled ? "skipped" : "error", message: `not begun: ${why}`, output }
    case "asked":
      return { is: isCancelled ? "skipped" : "error", message: `not answered: ${task.gate?.question ?? ""}`, output }
    case "submitting":
    case "submitted":
    case "running":
    case "retrying":
      return { is: "error", message: `not finished: ${why}`, output }
  }
}

const counts = (cases: ReadonlyArray<Case>) => {
  const number = (is: Verdict["is"]) => String(cases.filter(({ verdict }) => verdict.is === is).length)
  return { tests: String(cases.length), failures: number("failure"), errors: number("error"), skipped: number("skipped") }
}

const seconds = (from: DateTime.Utc | undefined, to: DateTime.Utc | undefined): string =>
  from === undefined || to === undefined
    ? "0.000"
    : Math.max(0, Duration.toSeconds(DateTime.distanceDuration(from, to))).toFixed(3)

const suite = (team: string, cases: ReadonlyArray<Case>, state: RunState.RunState): ReadonlyArray<string> => {
  const begun = cases.flatMap(({ task: { submittedAt } }) => (submittedAt === undefined ? [] : [submittedAt]))
  const ended = cases.flatMap(({ task: { endedAt } }) => (endedAt === undefined ? [] : [endedAt]))
  const first = Arr.isNonEmptyArray(begun) ? Arr.min(begun, DateTime.Order) : undefined
  const last = Arr.isNonEmptyArray(ended) ? Arr.max(ended, DateTime.Order) : undefined
  const properties = { run: state.run, agamemnon: state.url, outcome: state.outcome ?? "stopped" }
  return element("testsuite", {
    name: team,
    ...counts(cases),
    time: seconds(first, last),
    // Without a zone, as the schema of these files has it; it is UTC.
    timestamp: DateTime.formatIso(first ?? state.startedAt).slice(0, 19)
  }, [
    ...element("properties", {}, Object.entries(properties).flatMap(([name, value]) => element("property", { name, value }, []))),
    ...cases.flatMap((each) => testCase(each, state))
  ])
}

const testCase = ({ task, verdict }: Case, { endedAt, workflow }: RunState.RunState): ReadonlyArray<string> =>
  element("testcase", {
    name: task.subject,
    classname: `${workflow}.${task.team}`,
    time: seconds(task.submittedAt, task.endedAt ?? endedAt)
  }, details(task, verdict))

const details = (task: RunState.TaskState, verdict: Verdict): ReadonlyArray<string> => {
  if (verdict.is === "passed") return verdict.output === "" ? [] : withText("system-out", {}, verdict.output)
  const { message } = verdict
  return withText(verdict.is, verdict.is === "skipped" ? { message } : { message, type: task.status }, verdict.output)
}

type Attributes = Readonly<Record<string, string>>

const open = (name: string, attributes: Attributes): string =>
  [name, ...Object.entries(attributes).map(([key, value]) => `${key}="${escaped(oneLine(value))}"`)].join(" ")

const element = (name: string, attributes: Attributes, children: ReadonlyArray<string>): ReadonlyArray<string> =>
  children.length === 0 ? [`<${open(name, attributes)}/>`] : [`<${open(name, attributes)}>`, ...children, `</${name}>`]

const withText = (name: string, attributes: Attributes, text: string): ReadonlyArray<string> =>
  text === "" ? element(name, attributes, []) : [`<${open(name, attributes)}>${escaped(text)}</${name}>`]

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&quot;" }

// What XML can not hold in any way, halves of characters among it, and every control but the tab and the end of a line.
const impossible = /[^\t\n\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]|[\u007f-\u009f]/gu

/** Foreign text as XML can hold it. */
const escaped = (text: string): string =>
  stripVTControlCharacters(text).replaceAll(/\r\n?/g, "\n").replaceAll(impossible, "")
    .replaceAll(/[&<>"]/g, (sign) => entities[sign] ?? "")
