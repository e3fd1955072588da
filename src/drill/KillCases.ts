/** Cases in which the command is killed as `kill -9` does, at each step of a run, and then resumed or cleaned up. */
import * as Effect from "effect/Effect"
import * as Race from "../liveness/Race.ts"
import type { Tag } from "../run/RunEvent.ts"
import type { DrillCase } from "./DrillCase.ts"
import * as FaultProxy from "./FaultProxy.ts"
import { Stage } from "./Stage.ts"

type Remedy = "resume" | "cleanup"

/** When the command is killed: when it has said something, or when one of its requests has got so far. */
type Moment = { readonly event: Tag } | { readonly request: FaultProxy.Fault }

const outcomes = { resume: "killed, resumed", cleanup: "killed, cleaned up" }

// What comes after an event is so slow that the command is killed before it.
const slow = FaultProxy.Slow({ delay: "100 millis" })

const killed = (name: string, when: string, moment: Moment, remedy: Remedy): DrillCase => ({
  name: `killed-${name}`,
  fault: `kill -9 when ${when}`,
  expected: outcomes[remedy],
  carryOut: Effect.gen(function*() {
    const { command, file, heal, proxy } = yield* Stage
    yield* proxy.set(["event" in moment ? slow : moment.request])
    const first = yield* command(["run", file, "--json"])
    const { event: { run } } = yield* first.sightings.first(["run.started"])
    yield* "event" in moment
      ? first.sightings.first([moment.event])
      : Race.first([Effect.asVoid(proxy.struck), Effect.zipRight(first.ended, Effect.asVoid(first.sightings.first(["run.started"])))])
    // One that has ended by itself is not there to be killed.
    yield* Effect.ignore(first.kill)
    const { code } = yield* first.ended
    yield* heal
    if (code !== undefined) return { outcome: `ended with exit code ${code} before it was killed` }
    const second = yield* command(remedy === "resume" ? ["resume", run, "--json"] : ["cleanup", run])
    const healed = yield* second.ended
    return healed.code === 0
      ? { outcome: outcomes[remedy] }
      : { outcome: `killed, and ${remedy} ended with exit code ${healed.code ?? "none"}: ${healed.stderr}` }
  })
})

const { aims } = FaultProxy
const asked = (aim: FaultProxy.Aim): Moment => ({ request: FaultProxy.Hang({ ...aim, times: 1 }) })
const done = (aim: FaultProxy.Aim): Moment => ({ request: FaultProxy.Withhold({ ...aim, times: 1 }) })

/** The cases. */
export const cases: ReadonlyArray<DrillCase> = [
  killed("run-started", "the run has begun", { event: "run.started" }, "resume"),
  killed("agent-asked", "it has asked for an agent", asked(aims.createAgent), "cleanup"),
  killed("agent-made", "an agent was made and it has not heard of it", done(aims.createAgent), "resume"),
  killed("agent-created", "an agent was made", { event: "agent.created" }, "cleanup"),
  killed("agent-started", "an agent was started", { event: "agent.started" }, "resume"),
  killed("team-asked", "it has asked for the team", asked(aims.createTeam), "cleanup"),
  killed("team-made", "the team was made and it has not heard of it", done(aims.createTeam), "resume"),
  killed("team-created", "the team was made", { event: "team.created" }, "cleanup"),
  killed("task-asked", "it has asked for a task", asked(aims.createTask), "resume"),
  killed("task-made", "a task was made and it has not heard of it", done(aims.createTask), "resume"),
  killed("task-made-cleanup", "a task was made and it has not heard of it", done(aims.createTask), "cleanup"),
  killed("task-submitted", "a task was submitted", { event: "task.submitted" }, "resume"),
  killed("task-finished", "a task has ended", { event: "task.finished" }, "resume"),
  killed("teardown-started", "teardown begins", { event: "teardown.started" }, "cleanup"),
  killed("removal-asked", "it has asked for a removal", asked(aims.remove), "resume"),
  // What comes after is told when all of it was checked, and so just before the run is over.
  killed("removal-made", "something was removed and it has not heard of it", done(aims.remove), "cleanup")
]
