/** What a drill has shown: case by case, and as a whole; for people as a table, for programs as JSON. */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import { count, duration, oneLine } from "../report/Format.ts"
import type { Style } from "../report/Style.ts"
import * as Table from "../report/Table.ts"

/** Schema of an agent or a team that is on Agamemnon and should not be. */
export const Left = Schema.Struct({
  kind: Schema.Literal("agent", "team"),
  /** What it is called on Agamemnon. */
  name: Schema.String,
  id: Schema.String
})
export type Left = typeof Left.Type

const seconds = Schema.Number.annotations({ description: "seconds" })

/** Schema of the report of a case. */
export const CaseReport = Schema.TaggedStruct("case", {
  /** The drill that it belongs to. */
  drill: Schema.String,
  name: Schema.String,
  /** What went wrong, in words. */
  fault: Schema.String,
  outcome: Schema.String,
  /** The outcome that it should have. */
  expected: Schema.String,
  /** The time from the fault until a run said so; null when there was nothing to notice, or it was not noticed. */
  noticedAfterSeconds: Schema.NullOr(seconds),
  /** The longest that this should be; null when there is no limit. */
  noticedWithinSeconds: Schema.NullOr(seconds),
  /** What was on Agamemnon afterwards. */
  left: Schema.Array(Left),
  /** How many agents, teams and tasks were made beyond the one of each. */
  doubled: Schema.Int,
  /** How many tasks stay on Agamemnon, completed, as it has no way to remove them. */
  tasks: Schema.Int,
  /** How long it took. */
  seconds,
  passed: Schema.Boolean,
  /** What is wrong, each in a sentence. */
  problems: Schema.Array(Schema.String)
})
export type CaseReport = typeof CaseReport.Type

/** Schema of the report of a whole drill. */
export const DrillReport = Schema.TaggedStruct("drill", {
  drill: Schema.String,
  url: Schema.String,
  embedded: Schema.Boolean,
  cases: Schema.Int,
  failed: Schema.Int,
  left: Schema.Int,
  doubled: Schema.Int,
  tasks: Schema.Int,
  /** What the drill itself could not remove in the end. */
  remaining: Schema.Array(Left),
  /** Why that could not be found out; null when it could. */
  unchecked: Schema.NullOr(Schema.String),
  seconds,
  passed: Schema.Boolean
})
export type DrillReport = typeof DrillReport.Type

/** Schema of a line that a drill writes for programs: one for each case, and one for the whole at the end. */
export const Line = Schema.parseJson(Schema.Union(CaseReport, DrillReport))

/** What is known of a case when it has ended. */
export interface Finding {
  readonly drill: string
  readonly name: string
  readonly fault: string
  readonly outcome: string
  readonly expected: string
  readonly noticedAfter: Duration.Duration | undefined
  readonly noticedWithin: Duration.Duration | undefined
  readonly left: ReadonlyArray<Left>
  readonly doubled: number
  readonly tasks: number
  readonly took: Duration.Duration
  /** What kept it from being checked. */
  readonly unchecked?: string | undefined
}

const inWords = ({ id, kind, name }: Left): string => oneLine(`${kind} ${name} (${id})`)

const problemsOf = ({ doubled, expected, left, noticedAfter, noticedWithin, outcome, unchecked }: Finding): ReadonlyArray<string> => [
  ...(outcome === expected ? [] : [`the outcome is "${outcome}", expected "${expected}"`]),
  ...(noticedWithin === undefined || noticedAfter === undefined || Duration.lessThanOrEqualTo(noticedAfter, noticedWithin)
    ? []
    : [`it was noticed after ${duration(noticedAfter)}, expected within ${duration(noticedWithin)}`]),
  ...left.map((each) => `${inWords(each)} was left behind`),
  ...(doubled === 0 ? [] : [`${count(doubled, "thing")} made twice`]),
  ...(unchecked === undefined ? [] : [`what is left could not be checked: ${unchecked}`])
]

const rounded = (length: Duration.Duration | undefined): number | null =>
  length === undefined ? null : Math.round(Duration.toMillis(length)) / 1000

/** Judges a case. */
export const ofCase = (finding: Finding): CaseReport => {
  const problems = problemsOf(finding).map(oneLine)
  return CaseReport.make({
    drill: finding.drill,
    name: finding.name,
    fault: finding.fault,
    outcome: oneLine(finding.outcome),
    expected: finding.expected,
    noticedAfterSeconds: rounded(finding.noticedAfter),
    noticedWithinSeconds: rounded(finding.noticedWithin),
    left: finding.left,
    doubled: finding.doubled,
    tasks: finding.tasks,
    seconds: rounded(finding.took) ?? 0,
    passed: problems.length === 0,
    problems
  })
}

const sum = (cases: ReadonlyArray<CaseReport>, of: (report: CaseReport) => number): number =>
  cases.reduce((total, report) => total + of(report), 0)

/** Sums a drill up. */
export const summarize = (
  cases: ReadonlyArray<CaseReport>,
  { drill, embedded, remaining, took, unchecked = null, url }: {
    readonly drill: string
    readonly url: string
    readonly embedded: boolean
    readonly remaining: ReadonlyArray<Left>
    /** Why it is not known what remains. */
    readonly unchecked?: string | null | undefined
    readonly took: Duration.Duration
  }
): DrillReport => {
  const failed = cases.filter(({ passed }) => !passed).length
  return DrillReport.make({
    drill,
    url,
    embedded,
    cases: cases.length,
    failed,
    left: sum(cases, ({ left }) => left.length),
    doubled: sum(cases, ({ doubled }) => doubled),
    tasks: sum(cases, ({ tasks }) => tasks),
    remaining,
    unchecked: unchecked === null ? null : oneLine(unchecked),
    seconds: rounded(took) ?? 0,
    passed: failed === 0 && remaining.length === 0 && unchecked === null
  })
}

/** A time that can be that of a single request. */
const shortTime = (length: Duration.Duration): string =>
  Duration.lessThan(length, "100 millis") ? `${Math.round(Duration.toMillis(length))}ms` : duration(length)

const header = ["fault", "outcome", "noticed after", "left behind", "doubled"]

const longestOutcome = 48

const row = ({ doubled, left, name, noticedAfterSeconds, outcome, passed }: CaseReport, style: Style): ReadonlyArray<string> => {
  const amount = (number: number) => (number === 0 ? "0" : style.bad(String(number)))
  return [
    name,
    // All of it is said beneath the table.
    (passed ? style.good : style.bad)(Table.cut(outcome, longestOutcome)),
    noticedAfterSeconds === null ? "-" : shortTime(Duration.seconds(noticedAfterSeconds)),
    amount(left.length),
    amount(doubled)
  ]
}

/** Columns from which there is room for what goes wrong, in words. */
const wide = 130

/** Writes cases as a table, no wider than the terminal. */
export const table = (
  cases: ReadonlyArray<CaseReport>,
  { style, width }: { readonly style: Style; readonly width: number }
): ReadonlyArray<string> => {
  const isWide = width >= wide
  const rows = [
    [...header, ...(isWide ? ["what goes wrong"] : [])],
    ...cases.map((report) => [...row(report, style), ...(isWide ? [report.fault] : [])])
  ]
  const [head = "", ...lines] = Table.render(rows, { width, yielding: [{ column: isWide ? header.length : header.indexOf("outcome"), least: Table.narrowest }] })
  return [style.strong(head), ...lines]
}

/** Says what is wrong, a line for each problem. */
export const problems = (cases: ReadonlyArray<CaseReport>): ReadonlyArray<string> =>
  cases.flatMap(({ name, problems }) => problems.map((problem) => `${name}: ${problem}`))

/** Sums a drill up in a line. */
export const lastLine = ({ cases, doubled, failed, left, passed, remaining, seconds, url }: DrillReport): string => {
  const took = `${count(cases, "case")} on ${oneLine(url)} in ${duration(Duration.seconds(seconds))}`
  if (passed) return `drill passed: ${took}, nothing left behind, nothing doubled`
  const parts = [
    `${failed} failed`,
    `${left} left behind`,
    `${doubled} doubled`,
    ...(remaining.length === 0 ? [] : [`${remaining.length} could not be removed`])
  ]
  return `drill failed: ${took}, ${parts.join(", ")}`
}

/** Names what the drill could not remove. */
export const remains = ({ remaining, unchecked }: Pick<DrillReport, "remaining" | "unchecked">): ReadonlyArray<string> => [
  ...remaining.map((each) => `could not remove ${inWords(each)}`),
  ...(unchecked === null ? [] : [`it is not known what is left: ${unchecked}`])
]
