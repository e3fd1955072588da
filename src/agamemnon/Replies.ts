/**
 * What is read of Agamemnon's answers: as much as is used, and no further.
 *
 * What others have stored can have any type, and another server of the family
 * may say less. An agent or a team needs no more than an id, and a task that is
 * read its status; whatever else can not be read is taken for unsaid. In a list,
 * what has not even that is somebody else's: it is left out and counted. What is
 * not known here is carried along.
 */
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import * as AgamemnonId from "./AgamemnonId.ts"
import { type Agent, AgentId, type Task, TaskId, type Team, TeamId } from "./AgamemnonModel.ts"
import type { Page } from "./Pages.ts"
import * as TaskResult from "./TaskResult.ts"

/** Reads the body of an answer, or says what is wrong with it. */
export type Reply<A> = (body: unknown) => Either.Either<A, string>

type Fields = Readonly<Record<string, unknown>>

const found = (value: unknown): string => {
  if (value === undefined) return "nothing"
  if (Array.isArray(value)) return "a list"
  return typeof value === "object" && value !== null ? "an object" : JSON.stringify(value)
}

const expected = (place: string, what: string, value: unknown): string =>
  `${place}: expected ${what}, found ${found(value)}`

const fieldsOf = (place: string, value: unknown): Either.Either<Fields, string> =>
  Predicate.isRecord(value) ? Either.right(value) : Either.left(expected(place, "an object", value))

const textOf = (value: unknown, otherwise = ""): string => (typeof value === "string" ? value : otherwise)

const textsOf = (value: unknown): ReadonlyArray<string> => (Array.isArray(value) ? value.filter(Predicate.isString) : [])

/** Reads an entity whose id is a text that can be one. */
const entity = <A>(place: string, value: unknown, make: (fields: Fields, id: string) => Either.Either<A, string>) =>
  Either.flatMap(fieldsOf(place, value), (fields) => {
    const { id } = fields
    return typeof id === "string" && AgamemnonId.isPossible(id)
      ? make(fields, id)
      : Either.left(expected(`${place}.id`, "an id", id))
  })

const agentOf: Reply<Agent> = (value) =>
  entity("agent", value, ({ program, ...fields }, id) =>
    Either.right({
      ...fields,
      createdAt: textOf(fields["createdAt"]),
      host: textOf(fields["host"]),
      id: AgentId.make(id),
      name: textOf(fields["name"]),
      ...(typeof program === "string" ? { program } : {}),
      status: textOf(fields["status"]),
      updatedAt: textOf(fields["updatedAt"])
    }))

const teamOf: Reply<Team> = (value) =>
  entity("team", value, (fields, id) =>
    Either.right({
      ...fields,
      agentIds: textsOf(fields["agentIds"]),
      createdAt: textOf(fields["createdAt"]),
      id: TeamId.make(id),
      name: textOf(fields["name"]),
      updatedAt: textOf(fields["updatedAt"])
    }))

/** Reads a task, whose status is this one when it says none. */
const taskWith = (otherwise?: string) => (value: unknown): Either.Either<Task, string> =>
  entity("task", value, (fields, id) => {
    const { completedAt, result, status = otherwise } = fields
    if (typeof status !== "string") return Either.left(expected("task.status", "a text", status))
    return Either.right({
      ...fields,
      ...(typeof result === "string" ? { result: TaskResult.cut(result) } : {}),
      blockedBy: textsOf(fields["blockedBy"]),
      completedAt: typeof completedAt === "string" ? completedAt : null,
      createdAt: textOf(fields["createdAt"]),
      id: TaskId.make(id),
      status,
      subject: textOf(fields["subject"]),
      teamId: textOf(fields["teamId"]),
      updatedAt: textOf(fields["updatedAt"])
    })
  })

const taskOf: Reply<Task> = taskWith()

const only = <A>(name: string, read: Reply<A>): Reply<A> => (body) =>
  Either.flatMap(fieldsOf("the body", body), (fields) => read(fields[name]))

/** Reads a page of a list. */
const page = <A>(name: string, read: Reply<A>): Reply<Page<A>> => (body) =>
  Either.flatMap(fieldsOf("the body", body), ({ [name]: list, total }) => {
    if (!Array.isArray(list)) return Either.left(expected(name, "a list", list))
    if (typeof total !== "number") return Either.left(expected("total", "a number", total))
    const items = list.flatMap((each) => Either.match(read(each), { onLeft: () => [], onRight: (item) => [item] }))
    return Either.right({ items, length: list.length, total })
  })

export const agent = only("agent", agentOf)
export const team = only("team", teamOf)
export const task = only("task", taskOf)
/** A task that was just made has not begun, whether or not the answer says so. */
export const newTask = only("task", taskWith("pending"))
export const agents = page("agents", agentOf)
export const teams = page("teams", teamOf)
export const tasks = page("tasks", taskOf)

/** What nothing is read of. */
export const nothing: Reply<void> = () => Either.void
