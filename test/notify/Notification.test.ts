import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { Notification, report } from "../../src/notify/Notification.ts"
import * as NotificationText from "../../src/notify/NotificationText.ts"
import * as NotifyMessage from "../../src/notify/NotifyMessage.ts"
import * as Signature from "../../src/notify/Signature.ts"
import type { Outcome } from "../../src/run/Outcome.ts"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import type { NotifyDestination } from "../../src/workflow/NotifyDestination.ts"
import { runA, started } from "../support/TestStore.ts"

const common = { run: runA, workflow: "flow", at: DateTime.unsafeMake(1_700_000_000_000) }
const webhook: NotifyDestination = { url: "https://example.com/hook", format: "json", on: ["failed"], allowHttp: false }
const ended = (outcome: Outcome, left = 0, reason = "why"): ReadonlyArray<RunEvent> => [
  { ...common, _tag: "run.decided", outcome, reason },
  { ...common, _tag: "run.finished", outcome, left, kept: 0 }
]
const asked = (asked: number): RunEvent => ({ ...common, _tag: "gate.asked", team: "core", subject: "Release?", question: "Publish?", asked })
const said = (...events: ReadonlyArray<RunEvent>) => report(events).notifications.map(({ event, id }) => `${event} ${id.replace(runA, "run")}`)

describe("the notifications of a run", () => {
  it("are of its questions, of its end and of what it has left, each with a number of its own", () => {
    assert.deepStrictEqual(said(started(), asked(1), asked(2), ...ended("completed")), ["waiting run-1", "waiting run-2", "completed run-3"])
    assert.deepStrictEqual(said(started(), ...ended("failed", 2), { ...started(), _tag: "run.resumed", resources: [] }, ...ended("completed")), [
      "failed run-1",
      "left run-2",
      "completed run-3"
    ])
    for (const [outcome, expected] of [
      ["completed", "completed"],
      ["failed", "failed"],
      ["timed_out", "failed"],
      ["over_budget", "failed"],
      ["connectivity_lost", "lost"],
      ["state_lost", "lost"],
      ["waiting", undefined],
      ["cancelled", undefined]
    ] as const) {
      assert.deepStrictEqual([outcome, ...said(started(), ...ended(outcome))], [outcome, ...(expected === undefined ? [] : [`${expected} run-1`])])
      assert.deepStrictEqual(said(started(), ...ended(outcome, 1)).at(-1), `left run-${expected === undefined ? 1 : 2}`)
    }
  })

  it("go to whom its workflow names when it begins or goes on, also when it was only submitted", () => {
    const { agents, policy, teams } = started()
    const submitted: RunEvent = { ...common, _tag: "run.submitted", priority: 0, policy, agents, teams, notify: [webhook] }
    assert.deepStrictEqual(report([submitted, ...ended("failed")]).destinations, [webhook])
    assert.deepStrictEqual(report([{ ...started(), notify: [webhook] }, { ...started(), _tag: "run.resumed", resources: [] }]).destinations, [])
    assert.deepStrictEqual(
      [report([started()]), report([started(), asked(1), ...ended("failed")])].map(({ isOver, seen }) => [isOver, seen]),
      [[false, 0], [true, 2]]
    )
  })

  it.effect("are in JSON what can be read back", () =>
    Effect.gen(function*() {
      const all = report([started(), asked(1), ...ended("state_lost", 2)]).notifications
      for (const each of all) {
        const { body } = NotifyMessage.make(each, { url: Redacted.make(new URL("https://x.example/")), format: "json", secret: undefined, token: undefined }, 0)
        assert.deepStrictEqual(yield* Schema.decodeUnknown(Schema.parseJson(Notification))(body), each)
      }
    }))

  it("are in words on one line, whatever a workflow is called and asks", () => {
    const [first] = report([started(), { ...common, _tag: "gate.asked", team: "t", subject: "a\nb", question: `\u001b[31m${"x".repeat(5000)}`, asked: 1, workflow: "a\r\nb\u202e" }]).notifications
    if (first === undefined) return assert.fail("nothing is told")
    const text = NotificationText.text(first)
    assert.notMatch(text, /[\p{Cc}\u202e]/u)
    assert.isBelow(text.length, 2000)
    assert.include(text, "workflow a b waits for an answer to a b: xxx")
    assert.include(text, `telemachy approve ${runA}`)
  })
})

describe("the messages of a notification", () => {
  const [notification] = report([{ ...started(), workflow: "flow" }, ...ended("failed", 0, "1 of 2 <tasks> & more")]).notifications
  const make = (format: NotifyDestination["format"], url: string, rest: Partial<NotifyMessage.Address> = {}) => {
    if (notification === undefined) throw new Error("nothing is told")
    const { body, headers, url: to } = NotifyMessage.make(notification, { url: Redacted.make(new URL(url)), format, secret: undefined, token: undefined, ...rest }, 1_700_000_000_123)
    return { body: JSON.parse(body) as unknown, headers, url: Redacted.value(to), raw: body }
  }

  it("have the form that the receiver reads", () => {
    assert.deepInclude(make("json", "https://example.com/a?b=c"), { url: "https://example.com/a?b=c" })
    assert.deepStrictEqual(make("slack", "https://hooks.slack.com/services/T/B/x").body, {
      text: `workflow flow failed: 1 of 2 &lt;tasks&gt; &amp; more (run ${runA}; what its tasks wrote: telemachy logs ${runA})`
    })
    const ntfy = make("ntfy", "https://ntfy.example/sub/topic", { token: Redacted.make("tk_1") })
    assert.strictEqual(ntfy.url, "https://ntfy.example/sub/")
    assert.deepInclude(ntfy.body, { topic: "topic", title: "flow failed", priority: 4 })
    assert.deepInclude(ntfy.headers, { authorization: "Bearer tk_1", "idempotency-key": `${runA}-1` })
  })

  it("are signed with the secret, and what is not or is old is refused", () => {
    const secret = Redacted.make("s3cret")
    const { headers, raw } = make("json", "https://example.com/", { secret })
    const signature = headers[Signature.header] ?? ""
    assert.match(signature, /^t=1700000000,v1=[0-9a-f]{64}$/)
    const now = 1_700_000_000_123
    // By another implementation: printf '1700000000.{}' | openssl dgst -sha256 -hmac s3cret
    assert.strictEqual(Signature.make("{}", { at: now, secret }), "t=1700000000,v1=97926816e98fbb41ccb1673225ff29a2f35369099990e1b1561651e7bd097ebf")
    assert.isTrue(Signature.verify(raw, signature, { secret, now }))
    assert.isTrue(Signature.verify(raw, signature, { secret, now: now + 299_000 }))
    for (const [body, given, at, key] of [
      [`${raw} `, signature, now, secret],
      [raw, signature, now, Redacted.make("other")],
      [raw, signature, now + 302_000, secret],
      [raw, signature, now - 302_000, secret],
      [raw, signature.replace("t=1700000000", "t=1700000001"), now, secret],
      [raw, "", now, secret],
      [raw, "t=1700000000,v1=00", now, secret]
    ] as const) {
      assert.isFalse(Signature.verify(body, given, { secret: key, now: at }))
    }
  })
})
