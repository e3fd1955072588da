import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as BudgetUse from "../../src/run/BudgetUse.ts"
import type { EventBody, RunEvent } from "../../src/run/RunEvent.ts"
import { RunId } from "../../src/run/RunId.ts"
import * as RunState from "../../src/run/RunState.ts"
import * as RunUsage from "../../src/run/RunUsage.ts"

const time = (seconds: number) => DateTime.unsafeMake(seconds * 1000)

const header = {
  url: "http://fake.test",
  policy: "always",
  timeout: Duration.hours(1),
  agents: ["a", "b"],
  teams: [{ name: "core", tasks: ["x", "y"].map((subject) => ({ subject, assignTo: "a", blockedBy: [] })) }]
} as const

const x = { team: "core", subject: "x" } as const

/** The state after events, one each second. */
const after = (...bodies: ReadonlyArray<EventBody>): RunState.RunState => {
  const common = { run: RunId.make("0123456789abcdef"), workflow: "flow" }
  const events = [{ _tag: "run.started", ...header } as const, ...bodies].map((body, position): RunEvent => ({ ...body, ...common, at: time(position) }))
  const state = RunState.foldAll(events)
  return state ?? assert.fail("a run that has begun has a state")
}

const submitting = (attempt?: number): EventBody => ({ _tag: "task.submitting", ...x, ...(attempt === undefined ? {} : { attempt, of: 3 }) })
const submitted = (id: string): EventBody => ({ _tag: "task.submitted", ...x, id })
const retrying = (id: string, attempt: number, usd?: number): EventBody =>
  ({ _tag: "task.retrying", ...x, id, attempt, status: "failed", wait: Duration.zero, ...(usd === undefined ? {} : { usage: { usd } }) })
const finished = (id: string, rest: Partial<Extract<EventBody, { readonly _tag: "task.finished" }>> = {}): EventBody =>
  ({ _tag: "task.finished", ...x, id, status: "completed", earlier: false, ...rest })
const resumed: EventBody = { _tag: "run.resumed", ...header, resources: [] }
const agent = (name: string, id: string) => ({ name, key: name, id })

const counts = ({ usage: { attempts, known, open, tasks, usd } }: RunState.RunState) => ({ usd, tasks, attempts, known: known.usd, open })

describe("what a run has used", () => {
  it("is what its attempts report, each once", () => {
    const state = after(
      submitting(1), submitted("1"), retrying("1", 1, 0.1),
      submitting(2), submitted("2"), retrying("2", 2),
      submitting(3), submitted("3"), finished("3", { usage: { usd: 0.2, inputTokens: 7, outputTokens: 1 } })
    )
    assert.deepStrictEqual(counts(state), { usd: 0.3, tasks: 3, attempts: 3, known: 2, open: 0 })
    assert.deepInclude(RunState.spent(state, time(20)), { inputTokens: 7, outputTokens: 1, unknown: { usd: 1, tokens: 2 } })
    const [task] = RunState.tasks(state)
    assert.deepStrictEqual([task?.usage?.usd, ...(task?.attempts ?? []).map(({ usage }) => usage?.usd)], [0.2, 0.1, undefined])
  })

  it("says how much of the money nobody has reported, also after the run has gone on", () => {
    const reckoned = finished("2", { usage: { usd: 0.2, inputTokens: 7, outputTokens: 1, isReckoned: true } })
    const state = after(submitting(1), submitted("1"), retrying("1", 1, 0.1), submitting(2), submitted("2"), reckoned)
    const spent = RunState.spent(state, time(20))
    assert.deepInclude(spent, { usd: 0.3, reckonedUsd: 0.2 })
    assert.strictEqual(
      BudgetUse.spentInWords({ usd: 20 }, spent),
      "0.30 of 20 USD, 8 tokens, 0.20 USD of that reckoned from tokens, tokens of 1 task unknown"
    )
    assert.deepInclude(RunUsage.spentAt(RunUsage.from(spent), time(20), false), { usd: 0.3, reckonedUsd: 0.2 })
  })

  it("has nothing unknown of an attempt that is under way, until the run is decided", () => {
    const state = after(submitting(), submitted("1"))
    assert.deepStrictEqual(RunState.spent(state, time(9)).unknown, { usd: 0, tokens: 0 })
    const decided = after(submitting(), submitted("1"), { _tag: "run.decided", outcome: "over_budget", reason: "" })
    assert.deepStrictEqual(RunState.spent(decided, time(9)).unknown, { usd: 1, tokens: 1 })
  })

  it("counts an attempt that completes late, and not what was said of it before", () => {
    const late = (usd: number): EventBody => ({ _tag: "task.late", ...x, id: "1", attempt: 1, usage: { usd } })
    const failed = finished("1", { status: "timeout" })
    assert.deepStrictEqual(counts(after(submitting(), submitted("1"), failed, late(2))), { usd: 2, tasks: 1, attempts: 1, known: 1, open: 0 })
    const told = finished("1", { status: "timeout", usage: { usd: 1 } })
    assert.deepStrictEqual(counts(after(submitting(), submitted("1"), told, late(2))), { usd: 1, tasks: 1, attempts: 1, known: 1, open: 0 })
  })

  it("counts a submission once of which it was not known whether it was sent", () => {
    assert.deepStrictEqual(counts(after(submitting(), resumed, submitting(), submitted("1"))), { usd: 0, tasks: 1, attempts: 1, known: 0, open: 1 })
    assert.deepStrictEqual(counts(after(submitting(), resumed, { _tag: "task.watched", ...x, id: "1" })), { usd: 0, tasks: 1, attempts: 1, known: 0, open: 1 })
  })

  it("has an attempt that was lost with its process among the unknown", () => {
    const state = after(submitting(), submitted("1"), resumed, submitting(2), submitted("2"), finished("2", { usage: { usd: 1 } }))
    assert.deepStrictEqual(counts(state), { usd: 1, tasks: 2, attempts: 2, known: 1, open: 0 })
    assert.strictEqual(RunState.spent(state, time(9)).unknown.usd, 1)
  })

  it("stays used when the run goes on, and is none of what another run has done", () => {
    const done = finished("1", { usage: { usd: 3 } })
    const state = after(submitting(), submitted("1"), done, resumed, finished("1", { earlier: true }))
    assert.deepStrictEqual(counts(state), { usd: 3, tasks: 1, attempts: 1, known: 1, open: 0 })
    assert.deepStrictEqual(counts(after(finished("1", { earlier: true, usage: { usd: 3 } }))), { usd: 0, tasks: 0, attempts: 0, known: 0, open: 0 })
    assert.deepStrictEqual(counts(after({ _tag: "task.watched", ...x, id: "1" }, done)), { usd: 3, tasks: 0, attempts: 1, known: 1, open: 0 })
  })

  it("is the lives of agents, which end with them, and with an embedded Agamemnon", () => {
    const created = (name: string): EventBody => ({ _tag: "agent.created", ...agent(name, name) })
    const seconds = (state: RunState.RunState, at: number) => Duration.toSeconds(RunState.spent(state, time(at)).agentTime)
    const both: ReadonlyArray<EventBody> = [created("a"), created("b")]
    assert.strictEqual(seconds(after(...both), 10), 9 + 8)
    assert.strictEqual(seconds(after(...both, { _tag: "agent.removed", name: "a", key: "a" }), 10), 2 + 8)
    assert.strictEqual(seconds(after(...both, { _tag: "agent.kept", ...agent("b", "b") }), 10), 9 + 1)
    const lost = after(...both, { ...resumed, embedded: true }, { _tag: "agent.created", ...agent("a", "new") })
    assert.strictEqual(seconds(lost, 10), 1 + 0 + 6)
    const there = [{ kind: "agent", ...agent("a", "a"), except: [] }] as const
    const watched = after(...both, { ...resumed, resources: there }, { _tag: "agent.reused", ...agent("a", "a") })
    assert.strictEqual(seconds(watched, 10), 9 + 0)
  })

  it("is gone on from by who has not seen the beginning", () => {
    const spent = { usd: 4, inputTokens: 1, outputTokens: 2, tasks: 3, agentTime: Duration.minutes(1), unknown: { usd: 1, tokens: 2 } }
    const common = { run: RunId.make("0123456789abcdef"), workflow: "flow", at: time(0) }
    const state = RunState.foldAll([{ ...resumed, ...common, spent }])
    if (state === undefined) return assert.fail("a run that has begun has a state")
    assert.deepStrictEqual(RunState.spent(state, time(0)), spent)
  })
})

describe("what is used in words", () => {
  const spent = { usd: 3.2, inputTokens: 41_000, outputTokens: 200, tasks: 2, agentTime: Duration.seconds(90), unknown: { usd: 2, tokens: 2 } }

  it("names each limit, what has none, and what is not known", () => {
    assert.strictEqual(
      BudgetUse.spentInWords({ usd: 20, tokens: 2_000_000 }, spent),
      "3.20 of 20 USD, 41,200 of 2,000,000 tokens, usage of 2 tasks unknown"
    )
    assert.strictEqual(
      BudgetUse.spentInWords({ tasks: 5, agentTime: Duration.hours(10) }, { ...spent, unknown: { usd: 0, tokens: 1 } }),
      "2 of 5 tasks, 1m 30s of 10h of agents' time, 3.20 USD, 41,200 tokens, tokens of 1 task unknown"
    )
    assert.strictEqual(BudgetUse.usdInWords(0.000123), "0.000123")
    assert.strictEqual(BudgetUse.usdInWords(1234.5), "1,234.50")
  })
})
