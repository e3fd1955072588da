/** What is wrong with the schedules of a workflow that its schema does not see. */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as CronExpression from "./CronExpression.ts"
import * as Template from "./expression/Template.ts"
import * as Inputs from "./Inputs.ts"
import { get, itemsAt } from "./RawValue.ts"
import type { Finding, Path } from "./WorkflowProblem.ts"
import { quote } from "./WorkflowProblem.ts"
import * as WorkflowSchedule from "./WorkflowSchedule.ts"
import * as ZonedTime from "./ZonedTime.ts"

const isSchedule = Schema.decodeUnknownOption(WorkflowSchedule.WorkflowSchedule)
const isValue = Schema.is(Inputs.InputValue)

/** Finds every mistake in the schedules of a workflow, in its encoded form. */
export const findings = (workflow: unknown): ReadonlyArray<Finding> => {
  const seen = new Map<string, number>()
  return itemsAt(workflow, "schedules").slice(0, WorkflowSchedule.maxSchedules).flatMap((schedule, position) => {
    const path = ["schedules", position]
    return [
      ...wrongCron(path, get(schedule, "cron")),
      ...wrongZone(path, get(schedule, "timezone")),
      ...wrongInputs(path, get(workflow, "inputs"), get(schedule, "inputs")),
      ...repeated(path, schedule, seen)
    ]
  })
}

const wrongCron = (path: Path, cron: unknown): ReadonlyArray<Finding> => {
  if (typeof cron !== "string" || cron.trim() === "") return []
  return Either.match(CronExpression.parse(cron), { onLeft: (problem) => [{ path: [...path, "cron"], ...problem }], onRight: () => [] })
}

const wrongZone = (path: Path, timezone: unknown): ReadonlyArray<Finding> => {
  if (typeof timezone !== "string" || timezone.trim() === "" || Option.isSome(ZonedTime.zone(timezone))) return []
  return [{
    path: [...path, "timezone"],
    found: quote(timezone),
    expected: "the name of a time zone, such as Europe/Berlin or UTC",
    suggestion: ZonedTime.similar(timezone)
  }]
}

/** Compares what a schedule gives with what the workflow declares. What is no value of any input, the schema refuses. */
const wrongInputs = (path: Path, declared: unknown, given: unknown): ReadonlyArray<Finding> => {
  if (given !== undefined && !Predicate.isRecord(given)) return []
  const values = given ?? {}
  const placeOf = (name: string) => [...path, "inputs", name]
  const expressions = Object.keys(values).filter((name) => [values[name]].flat().some((each) => typeof each === "string" && Template.isTemplate(each)))
  const isTold = (name: string) => expressions.includes(name) || (values[name] !== undefined && !isValue(values[name]))
  return [
    ...expressions.map((name): Finding => ({
      path: placeOf(name),
      found: "an expression",
      expected: "a value: what a schedule gives is taken as it is written"
    })),
    ...Inputs.problemsOf(declared, values).flatMap(({ expected, found, input, isUnknown, suggestion }): ReadonlyArray<Finding> =>
      isTold(input) && !isUnknown ? [] : [{ path: placeOf(input), atKey: isUnknown, found, expected, suggestion }])
  ]
}

/** Two that are the same would be one. */
const repeated = (path: Path, schedule: unknown, seen: Map<string, number>): ReadonlyArray<Finding> =>
  Option.match(isSchedule(schedule), {
    onNone: () => [],
    onSome: (decoded) => {
      const id = WorkflowSchedule.idOf("", decoded)
      const before = seen.get(id)
      if (before === undefined) {
        seen.set(id, Number(path.at(-1)))
        return []
      }
      return [{
        path,
        found: `the cron, timezone and inputs of schedules[${before}] a second time`,
        expected: "another time, or other inputs"
      }]
    }
  })
