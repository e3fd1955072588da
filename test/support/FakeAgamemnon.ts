/**
 * An Agamemnon in memory, as its client sees it. It does at once what it is
 * asked, unless it is told otherwise, and writes down every call. It needs no
 * socket, so that every timing rule can be proven under `TestClock`.
 *
 * It repeats a request as the real client does, and finds what a create whose
 * answer was lost has made. It has no pages, no limits and no rate.
 */
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { AgamemnonClient } from "../../src/agamemnon/AgamemnonClient.ts"
import { AgamemnonError, fromTransport, PingError, type TransportFailure } from "../../src/agamemnon/AgamemnonError.ts"
import { type Agent, AgentId, type Task, TaskId, type Team, TeamId } from "../../src/agamemnon/AgamemnonModel.ts"
import { permitted, retrying } from "../../src/agamemnon/RequestRetry.ts"
import * as TaskLog from "../../src/agamemnon/TaskLog.ts"

/** What becomes of a call: the usual is handed in. */
export type Twist = <A>(usual: Effect.Effect<A, AgamemnonError>) => Effect.Effect<A, AgamemnonError>

/** How a request fails in transport, with nothing done. */
export const broken = (failure: TransportFailure = "refused"): Twist => () =>
  Effect.fail(fromTransport({ method: "ANY", path: "/v1/any" }, failure))

/** The request takes effect, and its answer is lost. */
export const answerLost: Twist = (usual) => Effect.zipRight(usual, broken("reset")(usual))

/** The request is never answered. */
export const hangs: Twist = () => Effect.never

/** The request is not answered in time. */
const timesOut: Twist = (usual) => Effect.delay(broken("timeout")(usual), "30 seconds")

/** The request takes effect and is answered later. */
export const slow = (delay: Duration.DurationInput): Twist => (usual) => Effect.tap(usual, Effect.sleep(delay))

/** The request takes effect later, whether or not somebody still waits for its answer, which never comes. */
export const late = (delay: Duration.DurationInput): Twist => (usual) =>
  Effect.zipRight(Effect.forkDaemon(Effect.delay(usual, delay)), Effect.never)

/** The request takes effect later, and is not answered in the time that it has. */
export const lateAndLost = (delay: Duration.DurationInput): Twist => (usual) =>
  Effect.zipRight(Effect.forkDaemon(Effect.delay(usual, delay)), timesOut(usual))

/** The code of the client itself is broken. */
export const dies: Twist = () => Effect.die(new Error("a bug"))

/** The answer has this status, and nothing is done. */
export const answers = (status: number, detail = "no", retryAfter?: Duration.DurationInput): Twist => () =>
  Effect.fail(
    new AgamemnonError({
      method: "ANY",
      path: "/v1/any",
      reason: status === 429 ? "Busy" : status >= 500 ? "ServerError" : "Refused",
      status,
      detail,
      ...(retryAfter === undefined ? {} : { retryAfter: Duration.decode(retryAfter) })
    })
  )

const outages = { gone: broken(), silent: timesOut }

interface Rule {
  readonly call: string
  readonly twist: Twist
  left: number
}

/** An Agamemnon in memory, and what can be done to it. */
export interface FakeAgamemnon {
  readonly client: Context.Tag.Service<AgamemnonClient>
  /** Every call in its order, with the names of the workflow: `createAgent worker`. */
  readonly calls: ReadonlyArray<string>
  /** The calls that change something. */
  readonly changes: () => ReadonlyArray<string>
  /** What was sent to create and change things, in its order. */
  readonly bodies: ReadonlyArray<unknown>
  /** From now on, calls that begin like this are answered otherwise, at most so many. */
  readonly on: (call: string, twist: Twist, times?: number) => void
  /** Answers everything as usual again. */
  readonly heal: () => void
  /** Whether it answers, refuses connections, takes them and is silent, or the ping of its client has a defect. */
  health: "well" | "gone" | "silent" | "defective"
  /** Whether the list of a team that is not known shows tasks that were made for it. */
  listsUnknown: boolean
  /** The status in which tasks begin, by subject, or in which one after the other does; any other is completed at once. */
  readonly begins: Map<string, string | ReadonlyArray<string>>
  /** The files that hold all that tasks write, by subject. */
  readonly logs: Map<string, string>
  /** What workers report that the tasks of a subject have used, from their beginning on. */
  readonly usages: Map<string, unknown>
  readonly agents: Map<string, Agent>
  readonly teams: Map<string, Team>
  readonly tasks: Map<string, Task>
  /** Subjects of tasks that no list shows. */
  readonly hidden: Set<string>
  /** Changes a task, found by its subject: the newest of that subject, or the one at a position. */
  readonly change: (subject: string, fields: { readonly status?: string; readonly result?: string; readonly updatedAt?: string; readonly usage?: unknown }, position?: number) => void
  /** Forgets everything, as a restart does. */
  readonly forget: () => void
  /** The names of what exists: `agent worker`, `team core`. */
  readonly existing: () => ReadonlyArray<string>
}

const url = "http://fake.test"
const nameOf = (key: string) => key.replace(/^tlm-[0-9a-f]{16}-/, "")
const now = Effect.map(Clock.currentTimeMillis, (time) => `${new Date(time).toISOString().slice(0, 19)}Z`)
const isChange = (call: string) => !/^(ping|preflight|list|has|get|count)/.test(call)

const known = <A>(from: Map<string, A>, kind: string, id: string): Effect.Effect<A, AgamemnonError> =>
  Effect.suspend(() => {
    const found = from.get(id)
    return found === undefined ? answers(404, `${kind} not found`)(Effect.never) : Effect.succeed(found)
  })

/** Makes an Agamemnon in memory. */
export const make = (): FakeAgamemnon => {
  const calls: Array<string> = []
  const bodies: Array<unknown> = []
  const agents = new Map<string, Agent>()
  const teams = new Map<string, Team>()
  const tasks = new Map<string, Task>()
  const begins = new Map<string, string | ReadonlyArray<string>>()
  const logs = new Map<string, string>()
  const usages = new Map<string, unknown>()
  const hidden = new Set<string>()
  let rules: Array<Rule> = []
  let made = 0

  const state = { health: "well" as FakeAgamemnon["health"], listsUnknown: false }

  const attempt = <A>(call: string, usual: Effect.Effect<A, AgamemnonError>) =>
    Effect.suspend(() => {
      calls.push(call)
      if (state.health === "gone" || state.health === "silent") return outages[state.health](usual)
      const rule = rules.find((each) => each.left > 0 && call.startsWith(each.call))
      if (rule === undefined) return usual
      rule.left -= 1
      return rule.twist(usual)
    })

  /** Sends a create; once an answer was lost, looks for what it may have made before it is sent again, as the client does. */
  const safely = <A>(call: string, create: Effect.Effect<A, AgamemnonError>, find: () => A | undefined) => {
    let isUncertain = false
    return request(
      call,
      Effect.suspend(() => {
        const found = isUncertain ? find() : undefined
        return found === undefined ? create : Effect.succeed(found)
      }),
      (error) => {
        isUncertain ||= error.mayHaveTakenEffect
      }
    )
  }

  const request = <A>(call: string, usual: Effect.Effect<A, AgamemnonError>, onError: (error: AgamemnonError) => void = () => {}) =>
    retrying(Effect.tapError(permitted(attempt(call, usual)), (error) => Effect.sync(() => onError(error))))

  const pinged = Effect.suspend((): Effect.Effect<void, PingError> => {
    switch (state.health) {
      case "well":
        return Effect.void
      case "gone":
        return new PingError({ url, reason: "refused" })
      case "silent":
        return Effect.delay(new PingError({ url, reason: "timeout" }), "5 seconds")
      case "defective":
        return Effect.die(new Error("a bug"))
    }
  })

  const named = (kind: "agent" | "team", id: string) =>
    nameOf((kind === "agent" ? agents : teams).get(id)?.name ?? id)

  const beginOf = (subject: string) => {
    const begin = begins.get(subject) ?? "completed"
    const before = [...tasks.values()].filter((task) => task.subject === subject).length
    return typeof begin === "string" ? begin : begin[before] ?? begin.at(-1) ?? "completed"
  }

  const client = AgamemnonClient.of({
    url,
    ping: Effect.suspend(() => {
      calls.push("ping")
      return pinged
    }),
    preflight: Effect.zipRight(pinged, request("preflight", Effect.void)),
    listAgents: request("listAgents", Effect.sync(() => [...agents.values()])),
    createAgent: (body, except) =>
      safely(
        `createAgent ${nameOf(body.name)}`,
        Effect.map(now, (time) => {
          bodies.push(body)
          const id = AgentId.make(`agent-${++made}`)
          const unsaid = { host: "local", programArgs: [] }
          const agent: Agent = { ...unsaid, ...body, id, createdAt: time, updatedAt: time, status: "offline" }
          agents.set(id, agent)
          return agent
        }),
        () => [...agents.values()].find(({ id, name }) => name === body.name && !except.has(id))
      ),
    patchAgent: (id, fields) =>
      request(
        `patchAgent ${named("agent", id)}`,
        Effect.map(known(agents, "agent", id), (agent) => {
          bodies.push(fields)
          agents.set(id, { ...agent, ...fields })
        })
      ),
    startAgent: (id) =>
      request(
        `startAgent ${named("agent", id)}`,
        Effect.map(known(agents, "agent", id), (agent) => {
          agents.set(id, { ...agent, status: "online" })
        })
      ),
    deleteAgent: (id) =>
      request(`deleteAgent ${named("agent", id)}`, Effect.sync(() => {
        agents.delete(id)
      })),
    listTeams: request("listTeams", Effect.sync(() => [...teams.values()])),
    hasTeam: (id) => request(`hasTeam ${named("team", id)}`, Effect.sync(() => teams.has(id))),
    createTeam: (name, members, except) =>
      safely(
        `createTeam ${nameOf(name)}`,
        Effect.map(now, (time) => {
          bodies.push({ name, agentIds: members })
          const team = { agentIds: members, createdAt: time, id: TeamId.make(`team-${++made}`), name, updatedAt: time }
          teams.set(team.id, team)
          return team
        }),
        () => [...teams.values()].find((team) => team.name === name && !except.has(team.id))
      ),
    setMembers: (id, agentIds) =>
      request(
        `setMembers ${named("team", id)}`,
        Effect.map(known(teams, "team", id), (team) => {
          bodies.push({ agentIds })
          teams.set(id, { ...team, agentIds })
        })
      ),
    deleteTeam: (id) =>
      request(`deleteTeam ${named("team", id)}`, Effect.sync(() => {
        teams.delete(id)
      })),
    listTasks: (team) =>
      request(
        `listTasks ${named("team", team)}`,
        // Otherwise the list of a team that is not known is empty, though its tasks are still there.
        Effect.sync(() =>
          teams.has(team) || state.listsUnknown
            ? [...tasks.values()].filter(({ subject, teamId }) => teamId === team && !hidden.has(subject))
            : [])
      ),
    listAllTasks: (most) =>
      permitted(attempt(
        "listAllTasks",
        Effect.sync(() =>
          tasks.size > most ? Option.none() : Option.some([...tasks.values()].filter(({ subject }) => !hidden.has(subject))))
      )),
    countTasks: (team) =>
      request(
        `countTasks ${named("team", team)}`,
        Effect.sync(() => teams.has(team) ? [...tasks.values()].filter(({ teamId }) => teamId === team).length : 0)
      ),
    getTask: (team, id) =>
      request(
        `getTask ${named("team", team)} ${id}`,
        Effect.sync(() => Option.filter(Option.fromNullable(tasks.get(id)), ({ teamId }) => teamId === team))
      ),
    createTask: (team, body, except) =>
      safely(
        `createTask ${body.subject}`,
        Effect.map(now, (time) => {
          bodies.push(body)
          const task: Task = {
            blockedBy: [],
            completedAt: null,
            ...body,
            createdAt: time,
            id: TaskId.make(`task-${++made}`),
            status: beginOf(body.subject),
            ...(logs.has(body.subject) ? { [TaskLog.field]: logs.get(body.subject) } : {}),
            ...(usages.has(body.subject) ? { usage: usages.get(body.subject) } : {}),
            teamId: team,
            updatedAt: time
          }
          tasks.set(task.id, task)
          return task
        }),
        () => [...tasks.values()].find(({ id, subject, teamId }) => teamId === team && subject === body.subject && !except.has(id))
      ),
    failTask: (_, id, reason) =>
      request(
        `failTask ${tasks.get(id)?.subject ?? id}`,
        Effect.map(known(tasks, "task", id), (task) => {
          const body = { status: "failed", ...(reason === undefined ? {} : { result: reason }) }
          bodies.push(body)
          tasks.set(id, { ...task, ...body })
        })
      )
  })

  return Object.assign(state, {
    client,
    calls,
    changes: () => calls.filter(isChange),
    bodies,
    on: (call: string, twist: Twist, times = Number.POSITIVE_INFINITY) => {
      rules.push({ call, twist, left: times })
    },
    heal: () => {
      rules = []
    },
    begins,
    logs,
    usages,
    agents,
    teams,
    tasks,
    hidden,
    change: (
      subject: string,
      fields: { readonly status?: string; readonly result?: string; readonly updatedAt?: string; readonly usage?: unknown },
      position = -1
    ) => {
      const found = Option.getOrThrow(Option.fromNullable([...tasks.values()].filter((task) => task.subject === subject).at(position)))
      tasks.set(found.id, { ...found, ...fields })
    },
    forget: () => {
      agents.clear()
      teams.clear()
      tasks.clear()
    },
    existing: () => [
      ...[...agents.values()].map(({ name }) => `agent ${nameOf(name)}`),
      ...[...teams.values()].map(({ name }) => `team ${nameOf(name)}`)
    ]
  })
}
