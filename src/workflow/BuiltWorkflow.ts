/** A workflow that is written in TypeScript, as a workflow file has it. */
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Iterable from "effect/Iterable"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import { memoryInWords } from "./AgentLimits.ts"
import type { AnyMatrix } from "./MatrixParts.ts"
import { type Expression, isExpression } from "./WorkflowExpression.ts"
import type * as Parts from "./WorkflowParts.ts"
import type { Finding } from "./WorkflowProblem.ts"

/** A map of a file. */
type Written = Readonly<Record<string, unknown>>

/** A workflow as a file has it, with those that it uses, and what is wrong with them that no file could say. */
export interface Built {
  readonly input: Written
  /** The workflows that it uses, directly or not, by the names of their files, which are beside its own. */
  readonly files: Readonly<Record<string, Written>>
  readonly findings: ReadonlyArray<Finding>
}

/** Writes a workflow as a file has it, and those that it uses. What says nothing is left out. */
export const of = (workflow: Parts.Workflow): Built => {
  const names = new Map<Parts.Workflow, string>()
  const nameOf = (used: Parts.Workflow): string => {
    const known = names.get(used)
    if (known !== undefined) return known
    const name = fileNameOf(used, new Set(names.values()))
    names.set(used, name)
    return name
  }
  const { findings, input } = write(workflow, nameOf)
  const files: Record<string, Written> = {}
  // A workflow that is written can use others, which are found then.
  for (const [used, name] of names) {
    const written = write(used, nameOf)
    files[name] = written.input
    findings.push(...written.findings.map((finding) => ({ ...finding, path: ["files", name, ...finding.path] })))
  }
  return { input, files, findings }
}

/** The name of a file for a workflow, that no other has. */
const fileNameOf = ({ name }: Parts.Workflow, taken: ReadonlySet<string>): string => {
  const base = /^[\w-]{1,100}$/.test(name) ? name : "workflow"
  const candidates = Iterable.map(Iterable.range(1), (number) => number === 1 ? `${base}.yaml` : `${base}-${number}.yaml`)
  return Option.getOrElse(Iterable.findFirst(candidates, (each) => !taken.has(each)), () => base)
}

type NameOf = (used: Parts.Workflow) => string

const write = ({ name, options }: Parts.Workflow, nameOf: NameOf): { readonly input: Written; readonly findings: Array<Finding> } => {
  const teams = new Map<Parts.AnyTeam, Array<Parts.AnyTask>>()
  for (const task of withBlockers(options.tasks)) {
    const before = teams.get(task.team)
    if (before === undefined) teams.set(task.team, [task])
    else before.push(task)
  }
  const agents = new Set([...teams.keys()].flatMap((team) => team.agents))
  const findings: Array<Finding> = []
  const { budget, concurrency, defaults, description, inputs, maxParallel, metadata, notify, outputs, parkAfter, schedules, secrets, teardown, timeout } = options
  const input = said({
    apiVersion: "telemachy/v1",
    metadata: { name, ...said({ description: description?.toString() }), ...metadata },
    inputs: inputs?.declared,
    secrets: secrets?.names,
    agents: [...agents].map(writeAgent),
    teams: [...teams].map(([team, tasks], position) => {
      const bySubject = new Map(tasks.map((task) => [subjectOf(task), task]))
      return {
        name: team.name,
        agents: team.agents.map((agent) => agent.name),
        ...said({ max_parallel: team.options.maxParallel }),
        tasks: tasks.map((task, index) => {
          const blockedBy = (task.options.blockedBy ?? []).map((blocker, place) => {
            const blockerName = nameFor(blocker, task, bySubject)
            if (blockerName !== undefined) return blockerName
            const path = ["teams", position, "tasks", index, "blocked_by", place]
            findings.push({ path, found: `the id ${blocker.id} of a task of another team`, expected: "no task of this team with that subject" })
            return blocker.id
          })
          return writeTask(task, blockedBy, nameOf)
        })
      }
    }),
    outputs: outputs === undefined ? undefined : writeValue(outputs),
    teardown,
    defaults: defaults === undefined ? undefined : limitsOf(defaults),
    max_parallel: maxParallel,
    park_after: parkAfter === "never" ? parkAfter : durationOf(parkAfter),
    budget: budget === undefined ? undefined : writeBudget(budget),
    concurrency: concurrency === undefined ? undefined : writeConcurrency(concurrency),
    schedules: schedules?.map(writeSchedule),
    notify: notify?.map(writeDestination),
    timeout: durationOf(timeout)
  })
  return { input, findings }
}

/** A map without what says nothing. */
const said = (map: Written): Written => Object.fromEntries(Object.entries(map).filter(([, value]) => value !== undefined))

/** The tasks, and those that they wait for, each after those. */
const withBlockers = (tasks: ReadonlyArray<Parts.AnyTask>): ReadonlySet<Parts.AnyTask> => {
  const ordered = new Set<Parts.AnyTask>()
  const seen = new Set<Parts.AnyTask>()
  const rest = Arr.reverse(tasks)
  for (let task = rest.at(-1); task !== undefined; task = rest.at(-1)) {
    if (ordered.has(task) || seen.has(task)) {
      ordered.add(task)
      rest.pop()
    } else {
      seen.add(task)
      rest.push(...Arr.reverse(task.options.blockedBy ?? []))
    }
  }
  return ordered
}

const subjectOf = ({ id, options: { subject } }: Parts.AnyTask): string => subject?.toString() ?? id

/** By what a task waits for another: the id, unless that is the subject of a third one in its team, which would be meant. */
const nameFor = (
  blocker: Parts.AnyTask,
  task: Parts.AnyTask,
  bySubject: ReadonlyMap<string, Parts.AnyTask>
): string | undefined => {
  const meant = bySubject.get(blocker.id)
  if (meant === undefined || meant === blocker) return blocker.id
  return blocker.team === task.team ? subjectOf(blocker) : undefined
}

const writeAgent = ({ name, options }: Parts.Agent): Written => {
  const {
    args, base, cpus, dockerImage, env, limits, memory, model, program, runtime, session, stalledAfter, system, workingDir, workspace
  } = options
  return said({
    name,
    program: program?.toString(),
    model: model?.toString(),
    working_dir: workingDir?.toString(),
    runtime,
    docker_image: dockerImage?.toString(),
    cpus,
    memory,
    env: env === undefined ? undefined : Object.fromEntries(Object.entries(env).map(([variable, value]) => [variable, writeVariable(value)])),
    args: args?.map((each) => each.toString()),
    system: system?.toString(),
    session,
    workspace,
    base: base?.toString(),
    limits: limits === undefined ? undefined : writeLimits(limits),
    stalled_after: durationOf(stalledAfter)
  })
}

const writeLimits = ({ cpu, memory, openFiles, processes }: Parts.LimitsOptions): Written =>
  said({ memory: typeof memory === "number" ? memoryInWords(memory) : memory, cpu, processes, open_files: openFiles })

const writeVariable = (value: Parts.Secret | Expression<unknown> | string): string =>
  typeof value === "object" && "_tag" in value ? `\${{ secrets.${value.name} }}` : value.toString()

const writeTask = (task: Parts.AnyTask, blockedBy: ReadonlyArray<string>, nameOf: NameOf): Written => {
  const named = { id: task.id, subject: subjectOf(task) }
  const order = { blocked_by: blockedBy.length === 0 ? undefined : blockedBy }
  const condition = { if: task.options.condition?.toString() }
  if (task._tag === "Use") {
    const { with: given, workflow } = task.options
    return said({ ...named, uses: `./${nameOf(workflow)}`, with: writeValue(given), ...order, ...condition })
  }
  const failure = { continue_on_error: task.options.continueOnError }
  if (task._tag === "Gate") {
    const { approve, timeout } = task.options
    return said({ ...named, approve: approve.toString(), ...order, timeout: durationOf(timeout), ...condition, ...failure })
  }
  if (task._tag === "Merge") {
    const { description, merge, onConflict, stalledAfter, timeout } = task.options
    return said({
      ...named,
      merge: merge.map(({ id }) => id),
      on_conflict: onConflict?.name,
      description: description?.toString(),
      ...order,
      timeout: durationOf(timeout),
      stalled_after: durationOf(stalledAfter),
      ...condition,
      ...failure
    })
  }
  const { assignTo, base, description, matrix, maxParallel, outputs, outputsPrompt, type, workspace } = task.options
  return said({
    ...named,
    description: description.toString(),
    assign_to: isExpression(assignTo) ? assignTo.toString() : writeAssignees(Arr.ensure(assignTo)),
    ...order,
    type,
    ...limitsOf(task.options),
    workspace,
    base: base?.toString(),
    ...condition,
    matrix: matrix === undefined ? undefined : writeMatrix(matrix),
    max_parallel: maxParallel,
    outputs,
    outputs_prompt: outputsPrompt,
    ...failure
  })
}

const writeAssignees = (agents: ReadonlyArray<Parts.Agent>): string | ReadonlyArray<string> => {
  const [first, ...others] = agents.map(({ name }) => name)
  return first === undefined || others.length > 0 ? agents.map(({ name }) => name) : first
}

const writeMatrix = ({ exclude, include, lists }: AnyMatrix): Written =>
  said({
    ...Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, writeValue(list)])),
    include: writeValue(unlessEmpty(include)),
    exclude: writeValue(unlessEmpty(exclude))
  })

/** A file has no empty list there. */
const unlessEmpty = <A>(given: A): A | undefined => (Array.isArray(given) && given.length === 0 ? undefined : given)

/** A value of a matrix, with its expressions as texts. */
const writeValue = (value: unknown): unknown => {
  if (isExpression(value)) return value.toString()
  if (Array.isArray(value)) return value.map(writeValue)
  return Predicate.isRecord(value) ? Object.fromEntries(Object.entries(value).map(([name, each]) => [name, writeValue(each)])) : value
}

const writeBudget = ({ agentTime, tasks, tokens, usd }: Parts.BudgetOptions): Written =>
  said({
    usd: writeValue(usd),
    tokens: writeValue(tokens),
    tasks: writeValue(tasks),
    agent_time: durationOf(agentTime)
  })

const writeConcurrency = (concurrency: NonNullable<Parts.WorkflowOptions["concurrency"]>): unknown =>
  typeof concurrency === "object" && "group" in concurrency
    ? said({ group: concurrency.group.toString(), limit: concurrency.limit, when_full: concurrency.whenFull })
    : concurrency.toString()

const writeSchedule = ({ catchUp, cron, inputs, overlap, timezone }: Parts.ScheduleOptions): Written =>
  said({ cron, timezone, inputs, overlap, catch_up: catchUp })

const writeDestination = ({ allowHttp, format, on, secretEnv, tokenEnv, url, urlEnv }: Parts.NotifyOptions): Written =>
  said({ url, url_env: urlEnv, format, on, secret_env: secretEnv, token_env: tokenEnv, allow_http: allowHttp })

const limitsOf = ({ retry, stalledAfter, timeout, verify }: Parts.DefaultsOptions): Written =>
  said({
    timeout: durationOf(timeout),
    retry: typeof retry === "object" && !isExpression(retry) ? writeRetry(retry) : writeValue(retry),
    stalled_after: durationOf(stalledAfter),
    verify: verify === undefined ? undefined : writeVerification(verify)
  })

const writeVerification = (verify: NonNullable<Parts.DefaultsOptions["verify"]>): unknown =>
  typeof verify === "object" && "run" in verify
    ? said({ run: verify.run.toString(), timeout: durationOf(verify.timeout) })
    : verify.toString()

const writeRetry = ({ backoff, maxWait, on, times, wait }: Parts.RetryOptions): Written =>
  said({ times: writeValue(times), wait: durationOf(wait), backoff: writeValue(backoff), max_wait: durationOf(maxWait), on })

const units: ReadonlyArray<readonly [unit: string, seconds: number]> = [["d", 86_400], ["h", 3600], ["m", 60], ["s", 1]]

/** A duration as a file has it: with its units where it is of whole seconds. */
const durationOf = (given: Parts.DurationAmount | undefined): string | number | undefined => {
  if (given === undefined) return undefined
  if (isExpression(given)) return given.toString()
  const seconds = Duration.toSeconds(given)
  if (!Number.isSafeInteger(seconds) || seconds === 0) return seconds
  return units.flatMap(([unit, each], position) => {
    const [, longer = Number.POSITIVE_INFINITY] = units[position - 1] ?? []
    const number = Math.floor((seconds % longer) / each)
    return number === 0 ? [] : [`${number}${unit}`]
  }).join(" ")
}
