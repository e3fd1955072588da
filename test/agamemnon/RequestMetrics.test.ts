import * as HttpApi from "@effect/platform/HttpApi"
import { assert, describe, it } from "@effect/vitest"
import { AgamemnonApi } from "../../src/agamemnon/AgamemnonApi.ts"
import * as RequestMetrics from "../../src/agamemnon/RequestMetrics.ts"

describe("RequestMetrics", () => {
  it("knows every path of the API", () => {
    const paths = new Set<string>()
    HttpApi.reflect(AgamemnonApi, { onGroup: () => {}, onEndpoint: ({ endpoint }) => void paths.add(endpoint.path) })
    assert.isAbove(paths.size, 12)
    assert.deepStrictEqual([...paths].map((path) => RequestMetrics.endpointOf(path.replaceAll(/:\w+/g, "0b1c"))), [...paths].map((path) => path.replaceAll(/:\w+/g, ":id")))
  })

  it("has no id in a label", () => {
    const table = {
      "/v1/agents?limit=1&offset=0": "/v1/agents",
      "/v1/agents/by-name/tlm-1-worker": "/v1/agents/by-name/:id",
      "/v1/agents/8f1b/start": "/v1/agents/:id/start",
      "/v1/teams/8f1b/tasks/90": "/v1/teams/:id/tasks/:id",
      "/elsewhere": "/:id"
    }
    assert.deepStrictEqual(Object.fromEntries(Object.keys(table).map((path) => [path, RequestMetrics.endpointOf(path)])), table)
  })
})
