import { assert, describe, it } from "@effect/vitest"
import * as Exchange from "../../src/drill/Exchange.ts"

const exchange = (method: string, path: string, rest: Partial<Exchange.Exchange> = {}): Exchange.Exchange =>
  ({ at: 0n, method, path, body: "", status: 200, answer: "", ...rest })

const created = (kind: "agent" | "team", name: string, id: string) =>
  exchange("POST", `/v1/${kind}s`, { body: JSON.stringify({ name }), status: 201, answer: JSON.stringify({ [kind]: { id } }) })

const task = (team: string, subject: string, id: string) =>
  exchange("POST", `/v1/teams/${team}/tasks`, {
    body: JSON.stringify({ subject }),
    status: 201,
    answer: JSON.stringify({ task: { id, subject } })
  })

describe("Exchange", () => {
  it("tells what was made", () => {
    const exchanges = [
      created("agent", "a", "1"),
      exchange("POST", "/v1/agents/1/start", { answer: "{\"id\":\"1\"}" }),
      created("team", "t", "2"),
      task("2%2B", "s", "3"),
      exchange("POST", "/v1/agents", { status: 429, answer: "{\"agent\":{\"id\":\"4\"}}" }),
      exchange("POST", "/v1/agents", { status: 201, answer: "<html>" })
    ]
    assert.deepStrictEqual(Exchange.made(exchanges), [
      { kind: "agent", name: "a", id: "1" },
      { kind: "team", name: "t", id: "2" },
      { kind: "task", name: "s", id: "3", team: "2+" }
    ])
  })

  it("counts an agent as doubled while another of its name is there, and not when that was removed", () => {
    const one = created("agent", "a", "1")
    assert.deepStrictEqual([...Exchange.doubled([one, created("agent", "b", "2"), created("team", "a", "3")])], [])
    assert.deepStrictEqual([...Exchange.doubled([one, created("agent", "a", "2")])], [["agent a", 1]])
    const removed = exchange("DELETE", "/v1/agents/1")
    assert.deepStrictEqual([...Exchange.doubled([one, removed, created("agent", "a", "2")])], [])
    const refused = exchange("DELETE", "/v1/agents/1", { status: 500 })
    assert.deepStrictEqual([...Exchange.doubled([one, refused, created("agent", "a", "2")])], [["agent a", 1]])
  })

  it("counts a task as doubled whatever has become of its team", () => {
    const exchanges = [task("1", "s", "2"), exchange("DELETE", "/v1/teams/1"), task("3", "s", "4"), task("3", "s", "5"), task("3", "r", "6")]
    assert.deepStrictEqual([...Exchange.doubled(exchanges)], [["task s", 2]])
  })
})
