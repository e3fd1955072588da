import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as ProblemReport from "../../src/report/ProblemReport.ts"
import * as Style from "../../src/report/Style.ts"
import * as RunInput from "../../src/run/RunInput.ts"
import * as WorkflowDiff from "../../src/workflow/WorkflowDiff.ts"
import * as WorkflowFile from "../../src/workflow/WorkflowFile.ts"
import * as WorkflowSchedule from "../../src/workflow/WorkflowSchedule.ts"
import * as WorkflowSpec from "../../src/workflow/WorkflowSpec.ts"

const flow = (schedules: unknown, inputs: unknown = { place: { type: "string", default: "north" }, depth: { type: "number", options: [1, 2] } }) => ({
  metadata: { name: "flow" },
  inputs,
  agents: [{ name: "a", program: "none" }],
  teams: [{ name: "t", agents: ["a"], tasks: [{ subject: "s", description: "", assign_to: "a" }] }],
  schedules
})

const decoded = (schedules: unknown) => Effect.map(WorkflowSpec.decodeUnknown(flow(schedules)), (spec) => spec.schedules)

const refusal = (schedules: unknown, inputs?: unknown) =>
  Effect.map(Effect.flip(WorkflowSpec.decodeUnknown(flow(schedules, inputs))), ({ message }) =>
    message.split("\n").map((line) => line.replace(/^workflow:? /, "")))

describe("the schedules of a workflow", () => {
  it.effect("have a time, and all else can be left out", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* decoded([{ cron: "0 6 * * *" }]), [{ cron: "0 6 * * *", timezone: "UTC", overlap: "skip", catchUp: "none" }])
      assert.deepStrictEqual(
        yield* decoded([{ cron: "0 6 * * *", timezone: "Europe/Berlin", inputs: { depth: 2 }, overlap: "cancel_running", catch_up: "latest" }]),
        [{ cron: "0 6 * * *", timezone: "Europe/Berlin", inputs: { depth: 2 }, overlap: "cancel_running", catchUp: "latest" }]
      )
      assert.deepStrictEqual(yield* decoded([]), [])
    }))

  it.effect("are refused in words, all that is wrong at once", () =>
    Effect.gen(function*() {
      const cron = "0 6 * * *"
      for (const [given, ...expected] of [
        [3, "schedules: found the number 3, expected a list of schedules"],
        [[{}], "schedules[0].cron: found nothing, expected text"],
        [[{ cron: "" }], "schedules[0].cron: found an empty text, expected text that is not empty"],
        [[{ cron: "0 0 30 2 *" }], 'schedules[0].cron: found "0 0 30 2 *", which never comes, expected a day that there is'],
        [[{ cron, timezone: "Europe/Belrin" }], 'schedules[0].timezone: found "Europe/Belrin", expected the name of a time zone, such as Europe/Berlin or UTC, did you mean "Europe/Berlin"?'],
        [[{ cron, timezone: "berlin" }], 'schedules[0].timezone: found "berlin", expected the name of a time zone, such as Europe/Berlin or UTC, did you mean "Europe/Berlin"?'],
        [[{ cron, timezone: "+02:00" }], 'schedules[0].timezone: found "+02:00", expected the name of a time zone, such as Europe/Berlin or UTC'],
        [[{ cron, overlap: "allow" }], 'schedules[0].overlap: found "allow", expected "skip", "queue" or "cancel_running"'],
        [[{ cron, catch_up: "all" }], 'schedules[0].catch_up: found "all", expected "none" or "latest"'],
        [[{ cron, secrets: { TOKEN: "x" } }], "schedules[0].secrets: found an unknown key, expected one of the keys cron, timezone, inputs, overlap, catch_up"],
        [[{ cron, inputs: { plaice: "south" } }], 'schedules[0].inputs.plaice: found an unknown name, expected one of place, depth, did you mean "place"?'],
        [[{ cron, inputs: { depth: 3 } }], "schedules[0].inputs.depth: found the number 3, expected one of 1, 2"],
        [[{ cron, inputs: { place: "${{ run.id }}" } }], "schedules[0].inputs.place: found an expression, expected a value: what a schedule gives is taken as it is written"],
        [[{ cron, inputs: { depth: 1 } }, { cron: " 0 6  * * *", inputs: { depth: 1 }, overlap: "queue" }], "schedules[1]: found the cron, timezone and inputs of schedules[0] a second time, expected another time, or other inputs"],
        [Array.from({ length: 21 }, (_, minute) => ({ cron: `${minute} 6 * * *` })), "schedules: found a list, expected at most 20 schedules"]
      ] as const) {
        assert.deepStrictEqual([given, ...(yield* refusal(given)).map((line) => line.replace(/ \(did you mean (.*)\)$/, ", did you mean $1"))], [given, ...expected])
      }
      assert.deepStrictEqual(yield* refusal([{ cron }], { ticket: { required: true, description: "Issue" } }), [
        "schedules[0].inputs.ticket: found nothing, expected text (Issue)"
      ])
    }))

  it.effect("are refused with the line and the sign that is wrong", () =>
    Effect.gen(function*() {
      const text = [
        "metadata: {name: flow}",
        "agents: [{name: a, program: none}]",
        "teams: [{name: t, agents: [a], tasks: [{subject: s, description: d, assign_to: a}]}]",
        "schedules:",
        "  - cron: 0 25 * * *",
        "    timezone: Mars/Olympus",
        ""
      ].join("\n")
      const invalid = yield* Effect.flip(WorkflowFile.parse(text, "flow.yaml"))
      assert.strictEqual(invalid._tag, "WorkflowInvalid")
      if (invalid._tag !== "WorkflowInvalid") return
      assert.deepStrictEqual(invalid.problems.map(({ column, line, path }) => [path, line, column]), [["schedules[0].cron", 5, 13], ["schedules[0].timezone", 6, 15]])
      assert.include(ProblemReport.problems(invalid, { text, style: Style.plain, width: 100, texts: new Map() }).join("\n"), "            ^^")
    }))

  it.effect("are no part of what a run is told to do", () =>
    Effect.gen(function*() {
      const [without, given] = [yield* WorkflowSpec.decodeUnknown({ ...flow([]), schedules: undefined }).pipe(Effect.option), yield* WorkflowSpec.decodeUnknown(flow([{ cron: "0 6 * * *" }]))]
      const plain = WorkflowSpec.withoutSchedules(given)
      assert.isTrue(without._tag === "None" || WorkflowDiff.between(without.value, given).length === 0)
      assert.deepStrictEqual(yield* RunInput.encode({ spec: given, force: false }), yield* RunInput.encode({ spec: plain, force: false }))
      assert.deepStrictEqual(WorkflowDiff.between(plain, given), [])
    }))
})

describe("the id of a schedule", () => {
  it("is that of its workflow, its times and its inputs", () => {
    const schedule = Schema.decodeSync(WorkflowSchedule.WorkflowSchedule)({ cron: "0 6 * * *", inputs: { a: 1, b: 2 } })
    const id = WorkflowSchedule.idOf("flow", schedule)
    assert.match(id, /^[0-9a-f]{12}$/)
    assert.strictEqual(WorkflowSchedule.idOf("flow", { ...schedule, cron: " 0  6 * * * ", inputs: { b: 2, a: 1 } }), id)
    const others = [
      WorkflowSchedule.idOf("other", schedule),
      WorkflowSchedule.idOf("flow", { ...schedule, cron: "0 7 * * *" }),
      WorkflowSchedule.idOf("flow", { ...schedule, timezone: "Europe/Berlin" }),
      WorkflowSchedule.idOf("flow", { ...schedule, inputs: { a: 1 } })
    ]
    assert.strictEqual(new Set([id, ...others]).size, 5)
  })
})
