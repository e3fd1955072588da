/** Does one task: runs its program, reads what that answers, and has it checked. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import type { Agent, Task } from "../agamemnon/AgamemnonModel.ts"
import * as AgentTags from "../agamemnon/AgentTags.ts"
import type { TaskContexts } from "../agamemnon/TaskContexts.ts"
import * as TaskLog from "../agamemnon/TaskLog.ts"
import * as TaskResult from "../agamemnon/TaskResult.ts"
import * as TaskVerification from "../agamemnon/TaskVerification.ts"
import * as Usage from "../run/Usage.ts"
import type { AgentSessions } from "./AgentSessions.ts"
import type * as LogFiles from "./log/LogFiles.ts"
import * as LogWriter from "./log/LogWriter.ts"
import type { Masker } from "./Masker.ts"
import type { OutputTail } from "./OutputTail.ts"
import * as Program from "./Program.ts"
import type { ProgramEnvironment } from "./ProgramEnvironments.ts"
import * as Prices from "./program/Prices.ts"
import * as ProgramCommand from "./program/ProgramCommand.ts"
import * as ProgramOutput from "./ProgramOutput.ts"
import * as ProgramRun from "./ProgramRun.ts"
import * as SignsOfLife from "./SignsOfLife.ts"
import * as TaskFiles from "./TaskFiles.ts"
import * as TaskVerifier from "./TaskVerifier.ts"
import type { WorkDirectories } from "./WorkDirectories.ts"
import type { LocalWorkspaces } from "./workspace/LocalWorkspaces.ts"

/** What programs stand for, where their logs are, and what they can read. */
export interface Options extends Program.Options {
  readonly logs?: LogFiles.Options | undefined
  /** What programs can read of the run of their tasks, and what checks these. */
  readonly contexts?: TaskContexts | undefined
  /** Where tasks are done that are not done in the directory of their agent. */
  readonly workspaces?: LocalWorkspaces | undefined
  /** Keeps in mind where tasks are worked on. */
  readonly directories?: WorkDirectories | undefined
}

/** How a task has ended. */
export interface Outcome extends ProgramRun.Outcome {
  /** What the program has written for the outputs of the task, if anything. */
  readonly outputs?: Readonly<Record<string, unknown>>
  /** What the check of the task has said, if it had one. */
  readonly verification?: TaskVerification.TaskVerification
}

export const completed = (result: string): Outcome => ({ status: "completed", result })
export const failed = (result: string): Outcome => ({ status: "failed", result })

/** An outcome without what is secret. */
export const masked = ({ outputs, result, status, usage, verification }: Outcome, { masker }: ProgramEnvironment): Outcome => ({
  status,
  result: masker.text(result),
  ...(usage === undefined ? {} : { usage: maskedValue(usage, masker) }),
  ...(outputs === undefined ? {} : { outputs: Record.map(outputs, (value) => maskedValue(value, masker)) }),
  ...(verification === undefined ? {} : { verification: { ...verification, output: masker.text(verification.output) } })
})

const maskedValue = (value: unknown, masker: Masker): unknown => {
  if (typeof value === "string") return masker.text(value)
  if (Array.isArray(value)) return value.map((each) => maskedValue(each, masker))
  return Predicate.isRecord(value) ? Record.map(value, (each) => maskedValue(each, masker)) : value
}

const text = (entity: Agent | Task, field: string): string => {
  const value = entity[field]
  return typeof value === "string" ? value : ""
}

/** What is failed by its check: that is a part of the result. */
const verified = (outcome: Outcome, verification: TaskVerification.TaskVerification): Outcome =>
  verification.ending === undefined
    ? { ...outcome, verification }
    : { ...outcome, status: "failed", result: TaskResult.cut(TaskVerification.below(outcome.result, verification)), verification }

/** The log of a task, if it has one. */
const logOf = (task: Task, { logs }: Options) => {
  const { log } = TaskLog.of(task)
  return log === undefined || logs === undefined ? Effect.succeed(LogWriter.none) : LogWriter.make(log, logs.limit)
}

/** A task, and the agent that does it. */
export interface Claimed {
  readonly agent: Agent
  readonly task: Task
}

/** What the log entries of a task carry, as those of its run do. */
const loggedOf = ({ agent, task }: Claimed, { contexts }: Options) => {
  const { team, traceparent } = contexts?.get(task.teamId, task.subject) ?? {}
  const known = {
    run: AgentTags.valueOf(agent, "run"),
    workflow: AgentTags.valueOf(agent, "workflow"),
    team,
    task: task.subject,
    trace: traceparent?.split("-")[1]
  }
  return Record.filter(known, (value) => value !== undefined)
}

/** Does a task. What its program writes goes to the tail, so that it is known when this is interrupted. */
export const run = Effect.fn("TaskExecution.run")(function*(
  { agent, task }: Claimed,
  { keepsSession, limits, masker, variables, withheld }: ProgramEnvironment,
  options: Options & { readonly directory: string; readonly sessions: AgentSessions },
  output: OutputTail,
  onAlive: Effect.Effect<void>
) {
  const workflow = AgentTags.valueOf(agent, "workflow")
  const run = AgentTags.valueOf(agent, "run")
  const program = agent.program ?? ""
  const name = text(agent, "label") || agent.name
  const prompt = text(task, "description")
  const given = options.contexts?.get(task.teamId, task.subject)
  const { check, json: context, traceparent, workspace } = given ?? {}
  const workingDir = workspace?.directory ?? text(agent, "workingDirectory")
  const found = yield* Program.resolve({ name, program, runtime: agent.host, workingDir }, options)
  if (Option.isNone(found)) return completed(prompt)
  const { adapter, directory, isDirectoryMissing } = found.value
  // Whoever has made a workspace has made all of it.
  if (isDirectoryMissing && workspace !== undefined) return failed(`the workspace of the task is gone: ${directory} does not exist`)
  if (isDirectoryMissing) {
    yield* Program.makeDirectory({ agent: name, directory })
    yield* Effect.logInfo(`made directory ${directory}, where agent ${name} works`)
  }
  const files = yield* TaskFiles.make(options.directory, task.id, {
    context,
    ...(adapter !== undefined && ProgramCommand.readsFile(adapter) ? { prompt } : {})
  })
  const log = yield* logOf(task, options)
  const onWrite = yield* SignsOfLife.make(onAlive)
  const place = {
    directory,
    withheld,
    limits,
    environment: {
      ...variables,
      TELEMACHY_AGENT: name,
      TELEMACHY_TASK_ID: task.id,
      TELEMACHY_TASK_SUBJECT: task.subject,
      ...files.environment,
      ...(workflow === undefined ? {} : { TELEMACHY_WORKFLOW: workflow }),
      ...(run === undefined ? {} : { TELEMACHY_RUN: run }),
      ...(traceparent === undefined ? {} : { TRACEPARENT: traceparent })
    },
    // The log goes on to the end of the check.
    output: (tail: OutputTail, readers?: ProgramOutput.Readers) =>
      ProgramOutput.make(tail, { ...log, end: Effect.void }, onWrite, masker, readers)
  }
  const session = keepsSession ? options.sessions.of(agent.id) : undefined
  const programArgs = Program.argumentsOf(agent["programArgs"])
  const asked = { session, prompt, promptFile: files.promptFile, programArgs }
  const running = ProgramRun.run(program, found.value, asked, place, output).pipe(
    Effect.flatMap((outcome) =>
      check === undefined || outcome.status === "failed"
        ? Effect.succeed(outcome)
        : Effect.map(TaskVerifier.run(check, place), (verification) => verified(outcome, verification))),
    Effect.ensuring(log.end)
  )
  const noted = options.directories === undefined ? running : options.directories.during(task.id, workspace?.path ?? directory)(running)
  const outcome = yield* workspace === undefined || options.workspaces === undefined ? noted : options.workspaces.working(workspace.path)(noted)
  const told = {
    ...outcome,
    ...Option.match(yield* files.outputs, {
      onNone: () => ({}),
      onSome: ({ usage, ...outputs }) => ({ outputs, ...(usage === undefined ? {} : { usage: Usage.parse(usage) }) })
    })
  }
  const { model } = ProgramCommand.split(programArgs)
  return told.usage === undefined ? told : { ...told, usage: Prices.reckoned(options.prices ?? {}, { program, model }, told.usage) }
}, Effect.scoped, (effect, claimed, _, options) => Effect.annotateLogs(effect, loggedOf(claimed, options)))
