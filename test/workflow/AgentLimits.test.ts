import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as AgentLimits from "../../src/workflow/AgentLimits.ts"
import * as WorkflowFile from "../../src/workflow/WorkflowFile.ts"

const fileWith = (limits: string) => `metadata: {name: w}
agents:
  - name: coder
    program: sh
    limits: ${limits}
teams:
  - name: t
    agents: [coder]
    tasks: [{subject: s, description: "true", assign_to: coder}]
`

const limitsOf = (limits: string) => Effect.map(WorkflowFile.parse(fileWith(limits), "w.yaml"), ({ agents }) => agents[0]?.limits)

const problemOf = (limits: string) => Effect.map(Effect.flip(limitsOf(limits)), ({ message }) => message)

const sizes: ReadonlyArray<readonly [written: string, bytes: number]> = [
  ["4g", 4 * 1024 ** 3],
  ["512m", 512 * 1024 ** 2],
  ["1.5G", 1.5 * 1024 ** 3],
  ["512 MiB", 512 * 1024 ** 2],
  ["8192kb", 8 * 1024 ** 2],
  ["1t", 1024 ** 4],
  ["6m", 6 * 1024 ** 2]
]

describe("AgentLimits", () => {
  it.effect("takes sizes with units, numbers of processors, and counts", () =>
    Effect.gen(function*() {
      for (const [written, memory] of sizes) assert.deepStrictEqual(yield* limitsOf(`{memory: ${written}}`), { memory }, written)
      assert.deepStrictEqual(yield* limitsOf("{memory: 4g, cpu: 0.5, processes: 500, open_files: 1024}"), {
        memory: 4 * 1024 ** 3,
        cpu: 0.5,
        processes: 500,
        openFiles: 1024
      })
    }))

  const refused: ReadonlyArray<readonly [limits: string, says: string]> = [
    ["{memory: 4x}", "w.yaml:5:22 agents[0].limits.memory (agent \"coder\"): found \"4x\", expected a size such as 512m or 4g"],
    ["{memory: 4}", "w.yaml:5:22 agents[0].limits.memory (agent \"coder\"): found the number 4, expected a size such as 512m or 4g"],
    ["{memory: 0g}", "w.yaml:5:22 agents[0].limits.memory (agent \"coder\"): found \"0g\", expected a size such as 512m or 4g"],
    ["{memory: -1g}", "w.yaml:5:22 agents[0].limits.memory (agent \"coder\"): found \"-1g\", expected a size such as 512m or 4g"],
    ["{memory: 5m}", "from 6m to 1024t"],
    ["{memory: 2000t}", "from 6m to 1024t"],
    ["{cpu: 0}", "w.yaml:5:19 agents[0].limits.cpu (agent \"coder\"): found the number 0, expected a number of processors"],
    ["{cpu: .nan}", "expected a number of processors"],
    ["{cpu: two}", "found \"two\", expected a number of processors"],
    ["{processes: 0}", "found the number 0, expected a whole number from 1 to 4194304"],
    ["{processes: 1.5}", "found the number 1.5, expected a whole number from 1 to 4194304"],
    ["{open_files: 3}", "found the number 3, expected a whole number from 16 to 1048576"],
    ["{}", "expected a map with at least one of the keys memory, cpu, processes, open_files"],
    ["{ram: 4g}", "w.yaml:5:14 agents[0].limits.ram"],
    ["4g", "found \"4g\", expected a map with the keys memory, cpu, processes, open_files"]
  ]
  it.effect.each(refused)("refuses %s where it is written", ([limits, says]) =>
    Effect.gen(function*() {
      assert.include(yield* problemOf(limits), says)
    }))

  it("writes limits as a file does", () => {
    assert.deepStrictEqual(AgentLimits.inWords({ memory: 1.5 * 1024 ** 3, cpu: 2, processes: 500, openFiles: 1024 }), [
      ["memory", "1536m"],
      ["cpu", "2"],
      ["processes", "500"],
      ["open_files", "1024"]
    ])
    assert.strictEqual(AgentLimits.memoryInWords(4 * 1024 ** 3), "4g")
  })
})
