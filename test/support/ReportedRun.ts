import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import type { EventBody, RunEvent } from "../../src/run/RunEvent.ts"
import { RunId } from "../../src/run/RunId.ts"
import * as RunState from "../../src/run/RunState.ts"

const began = DateTime.unsafeMake("2026-01-02T03:04:05Z")

/** The time so many seconds after the run began. */
export const after = (seconds: number): DateTime.Utc => DateTime.add(began, { millis: seconds * 1000 })

/** An event of the run, so many seconds after it began. */
export const event = (seconds: number, body: EventBody): RunEvent => ({
  ...body,
  run: RunId.make("0123456789abcdef"),
  workflow: "odyssey",
  at: after(seconds)
})

/** The first event of a run of two teams. */
export const started = event(0, {
  _tag: "run.started",
  url: "http://127.0.0.1:8080",
  policy: "on_completion",
  timeout: Duration.hours(2),
  heartbeatInterval: Duration.seconds(15),
  agents: ["penelope", "mentor"],
  teams: [
    {
      name: "weavers",
      tasks: [
        { subject: "weave", assignTo: "penelope", blockedBy: [] },
        { subject: "unravel", assignTo: "penelope", blockedBy: ["weave"] }
      ]
    },
    { name: "watch", tasks: [{ subject: "look out", assignTo: "mentor", blockedBy: [] }] }
  ]
})

/** The state that events lead to. */
export const stateOf = (...events: ReadonlyArray<RunEvent>): RunState.RunState => {
  const state = events.reduce<RunState.RunState | undefined>(RunState.fold, undefined)
  if (state === undefined) throw new Error("the first event must be run.started")
  return state
}

const id = "4f1c2d3e"

/** A run under way: one task completed, one running, one waiting. */
export const underWay = [
  started,
  event(0.1, { _tag: "agent.creating", name: "penelope", key: "tlm-1-penelope", except: [] }),
  event(0.2, { _tag: "agent.created", name: "penelope", key: "tlm-1-penelope", id }),
  event(0.3, { _tag: "agent.started", name: "penelope", key: "tlm-1-penelope", id }),
  event(0.3, { _tag: "agent.started", name: "mentor", key: "tlm-1-mentor", id: "5a" }),
  event(0.4, { _tag: "team.created", name: "weavers", key: "tlm-1-weavers", id: "6b" }),
  event(0.4, { _tag: "team.created", name: "watch", key: "tlm-1-watch", id: "7c" }),
  event(0.5, { _tag: "task.submitting", team: "weavers", subject: "weave" }),
  event(0.5, { _tag: "task.submitting", team: "watch", subject: "look out" }),
  event(0.6, { _tag: "task.submitted", team: "weavers", subject: "weave", id: "t1" }),
  event(0.6, { _tag: "task.submitted", team: "watch", subject: "look out", id: "t2" }),
  event(1, { _tag: "task.progressed", team: "weavers", subject: "weave", status: "running" }),
  event(2, {
    _tag: "task.finished",
    team: "watch",
    subject: "look out",
    id: "t2",
    status: "completed",
    earlier: false,
    result: "no ship"
  })
]
