/** The arguments of the commands, each defined once. */
import * as Args from "@effect/cli/Args"

/** The argument that names a workflow file. */
export const file = Args.text({ name: "FILE" }).pipe(
  Args.withDescription("Workflow file, or - for standard input")
)

/** The argument that names a task of a recorded run. */
export const task = Args.text({ name: "TASK" }).pipe(
  Args.withDescription("A task of the run, as TEAM/TASK, or TASK where only one team has it"),
  Args.optional
)

/** The argument that names a gate of a recorded run. */
export const gate = Args.text({ name: "TASK" }).pipe(
  Args.withDescription("A task of the run with approve, by its id, its subject, or TEAM/SUBJECT; without it, the one that asks"),
  Args.optional
)

/** The argument that names a recorded run. */
export const run = Args.text({ name: "RUN" }).pipe(
  Args.withDescription("Id of a run or its beginning, the name of a workflow for its newest run, or latest")
)
