/** An Agamemnon that a test can break, and what is on it. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { Agent, Task, Team } from "../../src/agamemnon/AgamemnonModel.ts"
import * as EmbeddedAgamemnon from "../../src/embedded/EmbeddedAgamemnon.ts"
import { askJson } from "./HttpQuestion.ts"
import type { Ended } from "./TestCommand.ts"

/** A server, and the variables that name it to the command. */
export type Backend = Effect.Effect.Success<ReturnType<typeof make>>

/** What a server is asked with. */
type Server = Parameters<typeof askJson>[0]

const listOf = <A extends { readonly id: string }, I>(
  server: Server,
  kind: string,
  schema: Schema.Schema<A, I>
) =>
  Effect.map(askJson(server, "GET", `/v1/${kind}?limit=1000`), ({ body }) =>
    Schema.decodeUnknownSync(Schema.Record({ key: Schema.String, value: Schema.Unknown }))(body)[kind]).pipe(
    Effect.map(Schema.decodeUnknownSync(Schema.Array(schema)))
  )

/** What is on a server, wherever that is. */
export const listsOf = (server: Server) => ({
  agents: listOf(server, "agents", Agent),
  teams: listOf(server, "teams", Team),
  tasks: listOf(server, "tasks", Task)
})

type Lists = ReturnType<typeof listsOf>

/** Starts a server. */
export const make = Effect.fnUntraced(function*(options: EmbeddedAgamemnon.Options = {}) {
  const server = yield* EmbeddedAgamemnon.make({ grace: "1 second", ...options })
  return {
    ...server,
    env: { AGAMEMNON_URL: server.url, AGAMEMNON_API_KEY: Redacted.value(server.apiKey) },
    ...listsOf(server)
  }
})

/** Names of the agents and teams that are on the server. */
export const remaining = (backend: Lists) =>
  Effect.map(Effect.all([backend.teams, backend.agents]), ([teams, agents]) => [...teams, ...agents])

/** Checks that nothing was made twice, as far as the server knows. */
export const assertNothingDoubled = Effect.fnUntraced(function*(backend: Lists) {
  const named = yield* remaining(backend)
  assert.lengthOf(named, new Set(named.map(({ name }) => name)).size, "an agent or a team exists twice")
  const tasks = yield* backend.tasks
  assert.lengthOf(tasks, new Set(tasks.map(({ subject, teamId }) => `${teamId} ${subject}`)).size, "a task exists twice")
})

/** Checks that whatever is on the server was named by the run as left or kept, with its id where that was known. */
export const assertAllNamed = Effect.fnUntraced(function*(backend: Backend, { events, stderr, stdout }: Ended) {
  const named = new Set(events.flatMap((event) =>
    event._tag === "agent.left" || event._tag === "team.left" || event._tag === "agent.kept" || event._tag === "team.kept"
      ? [event.id ?? event.key]
      : []))
  for (const { id, name } of yield* remaining(backend)) {
    assert.isTrue(named.has(id) || named.has(name), `${name} (${id}) is there and no event says so`)
    if (named.has(id)) assert.include(stdout + stderr, id)
  }
})
