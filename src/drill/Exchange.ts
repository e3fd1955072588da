/**
 * Requests that have changed something on Agamemnon, as a proxy has seen them,
 * and what can be told from them: what was made, and what was made twice.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** A request that was passed on, and its answer. */
export interface Exchange {
  /** When it was answered, on the monotonic clock, in nanoseconds. */
  readonly at: bigint
  readonly method: string
  /** Path and query, as they were sent. */
  readonly path: string
  readonly body: string
  readonly status: number
  readonly answer: string
}

/** An agent, a team or a task that Agamemnon has made. */
export interface Made {
  readonly kind: "agent" | "team" | "task"
  /** What it is called on Agamemnon: a key, or the subject of a task. */
  readonly name: string
  readonly id: string
  /** The id of the team that a task was made in. */
  readonly team?: string
}

const identified = Schema.optional(Schema.Struct({ id: Schema.String }))

const Answer = Schema.parseJson(Schema.Struct({ agent: identified, team: identified, task: identified }))

const Body = Schema.parseJson(Schema.Struct({ name: Schema.optional(Schema.String), subject: Schema.optional(Schema.String) }))

const decodeAnswer = Schema.decodeOption(Answer)

const decodeBody = Schema.decodeOption(Body)

const routes = { agent: /^\/v1\/agents$/, team: /^\/v1\/teams$/, task: /^\/v1\/teams\/([^/]+)\/tasks$/ } as const

const kinds = ["agent", "team", "task"] as const

const isOk = ({ status }: Exchange): boolean => status >= 200 && status < 300

/** What an exchange has made, if anything. */
export const madeBy = (exchange: Exchange): Option.Option<Made> =>
  Option.gen(function*() {
    if (exchange.method !== "POST" || !isOk(exchange)) return yield* Option.none()
    const kind = yield* Option.fromNullable(kinds.find((each) => routes[each].test(exchange.path)))
    const { id } = yield* Option.flatMapNullable(decodeAnswer(exchange.answer), (answer) => answer[kind])
    const { name, subject } = yield* decodeBody(exchange.body)
    const team = routes.task.exec(exchange.path)?.[1]
    return { kind, name: name ?? subject ?? "", id, ...(team === undefined ? {} : { team: decodeURIComponent(team) }) }
  })

const removedBy = (exchange: Exchange): string | undefined =>
  exchange.method === "DELETE" && isOk(exchange) ? /^\/v1\/(?:agents|teams)\/([^/]+)$/.exec(exchange.path)?.[1] : undefined

/** Everything that exchanges have made, in their order. */
export const made = (exchanges: ReadonlyArray<Exchange>): ReadonlyArray<Made> =>
  exchanges.flatMap((exchange) => Option.toArray(madeBy(exchange)))

/**
 * How many were made while another of the same name was there. A task is there for good: Agamemnon removes none, and
 * what has begun twice was done twice. The answer has a count for each name that was doubled.
 */
export const doubled = (exchanges: ReadonlyArray<Exchange>): ReadonlyMap<string, number> => {
  const there = new Map<string, ReadonlySet<string>>()
  const counts = new Map<string, number>()
  for (const exchange of exchanges) {
    const removed = removedBy(exchange)
    if (removed !== undefined) {
      for (const [name, ids] of there) there.set(name, new Set([...ids].filter((id) => id !== decodeURIComponent(removed))))
    }
    const one = Option.getOrUndefined(madeBy(exchange))
    if (one === undefined) continue
    const name = `${one.kind} ${one.name}`
    const before = there.get(name) ?? new Set<string>()
    if (before.size > 0 && !before.has(one.id)) counts.set(name, (counts.get(name) ?? 0) + 1)
    there.set(name, new Set([...before, one.id]))
  }
  return counts
}
