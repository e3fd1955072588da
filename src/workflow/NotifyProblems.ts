/** What is wrong with the destinations of notifications of a workflow that its schema does not see. */
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import * as NotifyAddress from "../settings/NotifyAddress.ts"
import * as Settings from "../settings/Settings.ts"
import * as Template from "./expression/Template.ts"
import * as NotifyDestination from "./NotifyDestination.ts"
import { itemsAt } from "./RawValue.ts"
import { type Finding, type Path, quote } from "./WorkflowProblem.ts"

/** Finds every mistake in the destinations of a workflow, in its encoded form. */
export const findings = (workflow: unknown): ReadonlyArray<Finding> => {
  const seen = new Map<string, number>()
  return itemsAt(workflow, "notify").slice(0, NotifyDestination.maxDestinations).flatMap((destination, position) => {
    const path = ["notify", position]
    return Predicate.isRecord(destination)
      ? [...wrongPlace(path, destination), ...ownVariables(path, destination), ...repeated(path, destination, seen)]
      : []
  })
}

type Written = Readonly<Record<string, unknown>>

const wrongPlace = (path: Path, destination: Written): ReadonlyArray<Finding> => {
  const { url, url_env: variable } = destination
  if (url !== undefined && variable !== undefined) {
    return [{ path: [...path, "url_env"], atKey: true, found: "url and url_env", expected: "one of them: the address, or the name of the variable that holds it" }]
  }
  if (url === undefined && variable === undefined) {
    return [{ path, found: "neither url nor url_env", expected: "the address in url, or the name of the variable that holds it in url_env" }]
  }
  if (typeof url !== "string" || url.trim() === "") return []
  if (Template.isTemplate(url)) {
    return [{ path: [...path, "url"], found: "an expression", expected: "an address as it is written, or url_env with the name of the variable that holds it" }]
  }
  return Either.match(NotifyAddress.parse(url, { allowHttp: destination["allow_http"] === true }), {
    onLeft: (problem) => [{ path: [...path, "url"], ...problem }],
    onRight: () => []
  })
}

/** What is secret of this program itself is nothing to send to anybody. */
const ownVariables = (path: Path, destination: Written): ReadonlyArray<Finding> =>
  ["url_env", "secret_env", "token_env"].flatMap((key): ReadonlyArray<Finding> => {
    const name = destination[key]
    return typeof name === "string" && Settings.secrets.includes(name)
      ? [{ path: [...path, key], found: quote(name), expected: "a variable that is no setting of Telemachy's own" }]
      : []
  })

/** Two of one place and form would tell everything twice. */
const repeated = (path: Path, { format = "json", url, url_env: variable }: Written, seen: Map<string, number>): ReadonlyArray<Finding> => {
  if (url === undefined && variable === undefined) return []
  const key = JSON.stringify([url, variable, format])
  const before = seen.get(key)
  if (before === undefined) {
    seen.set(key, Number(path.at(-1)))
    return []
  }
  return [{ path, found: `the address and the format of notify[${before}] a second time`, expected: "another address, or all occasions in one destination" }]
}
