/** What differs between two versions of a workflow, in sentences for people. */
import { isDeepStrictEqual } from "node:util"
import * as Schema from "effect/Schema"
import { whatIsDone, WorkflowSpec } from "./WorkflowSpec.ts"

// Made when two differ.
const encode = (spec: WorkflowSpec) => Schema.encodeSync(WorkflowSpec)(spec)

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

// What identifies an item of a list, so that one that has moved is still the same.
const nameOf = (item: unknown): string | undefined => {
  if (typeof item === "string") return item
  const name = isMap(item) ? item["name"] ?? item["subject"] : undefined
  return typeof name === "string" ? name : undefined
}

const named = (items: ReadonlyArray<unknown>): ReadonlyMap<string, unknown> | undefined => {
  const entries = items.flatMap((item): ReadonlyArray<[string, unknown]> => {
    const name = nameOf(item)
    return name === undefined ? [] : [[name, item]]
  })
  return entries.length === items.length ? new Map(entries) : undefined
}

const short = (value: unknown): string => {
  const text = JSON.stringify(value) ?? "nothing"
  return text.length > 60 ? `${text.slice(0, 59)}…` : text
}

const compareKeys = (
  before: ReadonlyMap<string, unknown>,
  after: ReadonlyMap<string, unknown>,
  pathOf: (key: string) => string
): ReadonlyArray<string> => [
  ...[...before].flatMap(([key, value]) =>
    after.has(key) ? compare(pathOf(key), value, after.get(key)) : [`${pathOf(key)} is gone`]),
  ...[...after.keys()].filter((key) => !before.has(key)).map((key) => `${pathOf(key)} is new`)
]

const compare = (path: string, before: unknown, after: unknown): ReadonlyArray<string> => {
  if (Array.isArray(before) && Array.isArray(after)) {
    const [one, other] = [named(before), named(after)]
    if (one !== undefined && other !== undefined) {
      return compareKeys(one, other, (name) => `${path}[${JSON.stringify(name)}]`)
    }
  }
  if (isMap(before) && isMap(after)) {
    const pathOf = (key: string) => (path === "" ? key : `${path}.${key}`)
    return compareKeys(new Map(Object.entries(before)), new Map(Object.entries(after)), pathOf)
  }
  return JSON.stringify(before) === JSON.stringify(after)
    ? []
    : [`${path}: was ${short(before)}, is ${short(after)}`]
}

/**
 * Tells what differs. The order of agents, teams and tasks means nothing and
 * makes no difference; nor do schedules and
 * notifications, which are nothing that a run does.
 */
export const between = (before: WorkflowSpec, after: WorkflowSpec): ReadonlyArray<string> => {
  const [one, other] = [whatIsDone(before), whatIsDone(after)]
  // Most are the same as they stand, which is seen in a fraction of the time that it takes to write them out.
  return isDeepStrictEqual(one, other) ? [] : compare("", encode(one), encode(other))
}
