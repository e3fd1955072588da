/** Cases in which a run of this process meets a connection that fails, for good or for a while. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Race from "../liveness/Race.ts"
import type { Tag } from "../run/RunEvent.ts"
import { between, type DrillCase, settle } from "./DrillCase.ts"
import * as FaultProxy from "./FaultProxy.ts"
import * as Pace from "./Pace.ts"
import { Stage } from "./Stage.ts"

const { aims } = FaultProxy

/** By what a run says that something is wrong. */
const complaints: ReadonlyArray<Tag> = ["request.failed", "connectivity.suspect", "connectivity.lost"]

/** Twice the bound, and a second for a machine that has other things to do. */
const noticedWithin = (pace: Pace.Pace) => Duration.sum(Duration.times(Pace.lossBound(pace), 2), Duration.seconds(1))

/** Agamemnon is gone while a task is under way, and comes back when the run has noticed. */
const lost = (name: string, fault: string, outage: FaultProxy.Fault): DrillCase => ({
  name,
  fault,
  expected: "connectivity_lost",
  noticedWithin,
  carryOut: Effect.gen(function*() {
    const { heal, proxy, run, work } = yield* Stage
    yield* work(false)
    const running = yield* run
    yield* running.sightings.first(["task.submitted"])
    yield* proxy.set([outage])
    const since = yield* proxy.struck
    const { at } = yield* running.sightings.first(["connectivity.lost"], { after: since })
    yield* heal
    return { outcome: yield* settle(running), noticedAfter: between(since, at) }
  })
})

/** Faults that a run gets over by itself, in force from its beginning. */
const overcome = (name: string, fault: string, faults: ReadonlyArray<FaultProxy.Fault>, isNoticed = true): DrillCase => ({
  name,
  fault,
  expected: "completed",
  carryOut: Effect.gen(function*() {
    const { proxy, run } = yield* Stage
    yield* proxy.set(faults)
    const running = yield* run
    if (!isNoticed) return { outcome: yield* settle(running) }
    const since = yield* Race.first([Effect.asSome(proxy.struck), Effect.as(running.ended, Option.none())])
    const outcome = yield* settle(running)
    if (Option.isNone(since)) return { outcome: `${outcome}, without having met the fault` }
    const noticed = yield* Effect.option(running.sightings.first(complaints, { after: since.value }))
    return { outcome, noticedAfter: Option.getOrUndefined(Option.map(noticed, ({ at }) => between(since.value, at))) }
  })
})

/** An outage that begins at an event, and is shorter than what a run tolerates. */
const brief = (name: string, fault: string, tag: Tag, length: (pace: Pace.Pace) => Duration.Duration): DrillCase => ({
  name,
  fault,
  expected: "completed",
  carryOut: Effect.gen(function*() {
    const { heal, pace, proxy, run, work } = yield* Stage
    yield* work(false)
    const running = yield* run
    if (tag === "teardown.started") yield* work(true)
    yield* running.sightings.first([tag])
    yield* proxy.set([FaultProxy.Refuse()])
    const since = yield* proxy.struck
    yield* Effect.sleep(length(pace))
    yield* heal
    yield* work(true)
    const outcome = yield* settle(running)
    const noticed = yield* Effect.option(running.sightings.first(complaints, { after: since }))
    return { outcome, noticedAfter: Option.getOrUndefined(Option.map(noticed, ({ at }) => between(since, at))) }
  })
})

/**
 * A create that gets to Agamemnon when the run was cancelled, and has looked for what it made. What the run then says
 * to be left is cleaned up, and so is what its record keeps as open.
 */
const late = (name: string, fault: string, aim: FaultProxy.Aim, cut: Duration.DurationInput | undefined): DrillCase => ({
  name,
  fault,
  expected: "cancelled, cleaned up",
  carryOut: Effect.gen(function*() {
    const { cleanUp, heal, proxy, run } = yield* Stage
    yield* proxy.set([FaultProxy.Late({ ...aim, times: 1, delay: "2 seconds", cut })])
    const running = yield* run
    yield* proxy.struck
    yield* running.cancel
    const state = yield* running.sightings.state
    yield* heal
    if (state === undefined) return { outcome: "did not begin" }
    yield* cleanUp(state.run)
    return { outcome: `${state.outcome ?? "failed"}, cleaned up` }
  })
})

const once = (aim: FaultProxy.Aim): FaultProxy.Aim => ({ ...aim, times: 1 })

const creates = [aims.createAgent, aims.createTeam, aims.createTask]

/** The cases. */
export const cases: ReadonlyArray<DrillCase> = [
  overcome("none", "nothing goes wrong", [], false),
  lost("refused", "connections are refused", FaultProxy.Refuse()),
  lost("hung", "requests are taken and never answered", FaultProxy.Hang({})),
  lost("reset", "connections are reset", FaultProxy.Reset({})),
  brief("refused-briefly", "connections are refused, for less than a run tolerates", "task.submitted", ({ healthcheckFailureThreshold, healthcheckInterval }) =>
    Duration.times(healthcheckInterval, (healthcheckFailureThreshold - 1) / 2)),
  brief("refused-teardown", "connections are refused for a second of teardown", "teardown.started", () => Duration.seconds(1)),
  overcome("slow", "every answer is slow", [FaultProxy.Slow({ delay: "200 millis" })], false),
  overcome("reset-creates", "the first create of each kind is reset before it is done", creates.map((aim) => FaultProxy.Reset(once(aim)))),
  overcome("lost-agent", "the answer to the create of an agent is lost", [FaultProxy.DropAnswer(once(aims.createAgent))]),
  overcome("lost-team", "the answer to the create of a team is lost", [FaultProxy.DropAnswer(once(aims.createTeam))]),
  overcome("lost-task", "the answer to the create of a task is lost", [FaultProxy.DropAnswer(once(aims.createTask))]),
  overcome("silent-task", "the answer to the create of a task never comes", [FaultProxy.Withhold(once(aims.createTask))]),
  overcome("lost-removal", "the answer to a removal is lost", [FaultProxy.DropAnswer(once(aims.remove))]),
  late("late-agent", "an agent is created two seconds after its connection broke, and the run was cancelled", aims.createAgent, "200 millis"),
  late("late-team", "a team is created two seconds after its connection broke, and the run was cancelled", aims.createTeam, "200 millis"),
  late("slow-agent", "an agent is created and answered two seconds later, and the run was cancelled", aims.createAgent, undefined),
  overcome("busy", "Agamemnon is busy (429, Retry-After 1)", [
    ...creates.map((aim) => FaultProxy.Busy({ ...once(aim), retryAfter: 1 })),
    FaultProxy.Busy({ ...once(aims.remove), retryAfter: 1 })
  ]),
  overcome("cut", "answers break off in the middle", [...creates, aims.readTasks, aims.remove].map((aim) => FaultProxy.Cut(once(aim))))
]
