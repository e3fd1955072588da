import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import { AgamemnonError, AgamemnonStateLostError } from "../../src/agamemnon/AgamemnonError.ts"
import * as RunError from "../../src/executor/RunError.ts"
import { RunId } from "../../src/run/RunId.ts"

const names = { workflow: "flow", run: RunId.make("0123456789abcdef") }

const failed = (count: number) =>
  new RunError.TasksFailedError({
    ...names,
    total: 9,
    tasks: Array.from({ length: count }, (_, position) => ({ team: "core", subject: `t${position}`, status: "failed" }))
  })

const refused = new AgamemnonError({ method: "POST", path: "/v1/teams", reason: "Refused", status: 400, detail: "no" })

const interruption = Cause.interrupt(FiberId.none)

describe("RunError", () => {
  type Row = readonly [name: string, exit: Exit.Exit<unknown, unknown>, outcome: string, reason: string]
  const table: ReadonlyArray<Row> = [
    ["a success", Exit.void, "completed", ""],
    [
      "lost connectivity",
      Exit.fail(
        new RunError.WorkflowConnectivityError({
          ...names,
          backend: "Agamemnon",
          consecutiveFailures: 2,
          threshold: 2,
          interval: Duration.seconds(15),
          lastAnswer: DateTime.unsafeMake(0),
          lostAt: DateTime.unsafeMake(31_000),
          lastError: "the connection was refused"
        })
      ),
      "connectivity_lost",
      "connectivity lost, no answer from Agamemnon for 31s: 2 pings in a row failed, the last because the connection was refused"
    ],
    [
      "a lost state",
      Exit.fail(new AgamemnonStateLostError({ ...names, missing: "team \"core\"" })),
      "state_lost",
      "Agamemnon no longer knows team \"core\": it was restarted or has lost its state"
    ],
    [
      "a limit that passed",
      Exit.fail(new RunError.WorkflowTimeoutError({ ...names, limit: Duration.minutes(90) })),
      "timed_out",
      "timed out after 1h 30m"
    ],
    ["failed tasks", Exit.fail(failed(2)), "failed", "2 of 9 tasks did not complete: core/t0 failed, core/t1 failed"],
    [
      "many failed tasks",
      Exit.fail(failed(7)),
      "failed",
      "7 of 9 tasks did not complete: core/t0 failed, core/t1 failed, core/t2 failed, core/t3 failed, " +
      "core/t4 failed, and 2 more"
    ],
    ["a refusal", Exit.fail(refused), "failed", "POST /v1/teams answered 400: no"],
    ["an interruption", Exit.failCause(interruption), "cancelled", ""],
    [
      "a failure that interrupted others",
      Exit.failCause(Cause.parallel(interruption, Cause.fail(refused))),
      "failed",
      "POST /v1/teams answered 400: no"
    ],
    ["a defect", Exit.die(new Error("a bug")), "failed", "a defect in the program: Error: a bug"],
    [
      "a defect that interrupted others",
      Exit.failCause(Cause.parallel(interruption, Cause.die("a bug"))),
      "failed",
      "a defect in the program: a bug"
    ],
    [
      "a failure that is none of a run",
      Exit.fail({ _tag: "toString" }),
      "failed",
      "a defect in the program: [object Object]"
    ]
  ]

  for (const [name, exit, outcome, reason] of table) {
    it(`the outcome of ${name} is ${outcome}`, () => {
      assert.deepStrictEqual(RunError.outcomeOf(exit), { outcome, reason })
    })
  }
})
