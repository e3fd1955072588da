/** Requests to an Agamemnon as node:http sends them, over connections of their own: the least that a run can cost. */
import * as Http from "node:http"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Bench from "./Bench.ts"

/** How many requests are under way at once, as a client has it. */
export const connections = 6

const agent = new Http.Agent({ keepAlive: false })

/** One request, and the text of its answer. */
const request = (url: string, method: "GET" | "POST", body?: string) =>
  Effect.async<string, Error>((resume) => {
    const length = body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) }
    const sent = Http.request(url, { agent, method, headers: { authorization: "Bearer bench", connection: "close", ...length } })
    sent.on("error", (error) => resume(Effect.fail(error)))
    sent.on("response", (response) => {
      const chunks: Array<Uint8Array> = []
      response.on("data", (chunk: Uint8Array) => chunks.push(chunk))
      response.on("end", () => resume(Effect.succeed(Buffer.concat(chunks).toString())))
    })
    sent.end(body)
  })

const TaskAnswer = Schema.parseJson(Schema.Struct({ task: Schema.Struct({ id: Schema.String }) }))
const TeamAnswer = Schema.parseJson(Schema.Struct({ team: Schema.Struct({ id: Schema.String }) }))

/** The requests of a shape alone. */
export const ofShape = Effect.fnUntraced(function*(url: string, shape: Bench.Shape, count: number) {
  const { team } = yield* Effect.flatMap(request(`${url}/v1/teams`, "POST", "{\"name\":\"alone\"}"), Schema.decode(TeamAnswer))
  const tasks = `${url}/v1/teams/${team.id}/tasks`
  const submit = (position: number) => request(tasks, "POST", JSON.stringify({ subject: `task ${position}`, description: "" }))
  const inTurn = (position: number) =>
    Effect.flatMap(Effect.flatMap(submit(position), Schema.decode(TaskAnswer)), ({ task }) => request(`${tasks}/${task.id}`, "GET"))
  yield* Effect.forEach(Arr.makeBy(count, (position) => position), shape === "chain" ? inTurn : submit, {
    concurrency: shape === "chain" ? 1 : connections,
    discard: true
  })
})
