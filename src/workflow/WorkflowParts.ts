/** The parts of a workflow that is written in TypeScript, and what there is to say of each. A duration is what Effect takes for one. */
import type * as Arr from "effect/Array"
import type * as Duration from "effect/Duration"
import type { WhenFull } from "./Concurrency.ts"
import type { GivenInputs, Inputs } from "./Inputs.ts"
import type { AnyMatrix, Each } from "./MatrixParts.ts"
import type { Format, Occasion } from "./NotifyDestination.ts"
import type { RetriedEnd } from "./RetryPolicy.ts"
import type { TeardownPolicy } from "./TeardownPolicy.ts"
import type { Expression, Text } from "./WorkflowExpression.ts"
import type { CatchUp, Overlap } from "./WorkflowSchedule.ts"
import type { WorkspaceMode } from "./WorkspaceMode.ts"

/** What the values of a type are. */
export interface ValueTypes {
  readonly string: string
  readonly number: number
  readonly boolean: boolean
  readonly list: ReadonlyArray<unknown>
}

/** What a task answers by name: the type of each value. */
export type DeclaredOutputs = Readonly<Record<string, keyof ValueTypes>>

/** A secret that a workflow declares. Its value is nowhere but in the environment of a program. */
export interface Secret {
  readonly _tag: "Secret"
  readonly name: string
}

/** A number, or what is one when the workflow is run. */
export type Amount = number | Expression<number>

/** A duration, or what is one when the workflow is run. */
export type DurationAmount = Duration.DurationInput | Expression<string | number>

/** What the processes of an agent may take of the machine: each of the limits can be left out, but not all. */
export interface LimitsOptions {
  /** As a file writes it, such as `4g`, or a number of bytes. */
  readonly memory?: string | number | undefined
  readonly cpu?: number | undefined
  readonly processes?: number | undefined
  readonly openFiles?: number | undefined
}

/** What there is to say of an agent; what is left out is as in a file. */
export interface AgentOptions {
  readonly program?: Text | undefined
  readonly model?: Text | undefined
  readonly workingDir?: Text | undefined
  readonly runtime?: "local" | "docker" | undefined
  readonly dockerImage?: Text | undefined
  readonly cpus?: number | undefined
  readonly memory?: string | undefined
  readonly env?: Readonly<Record<string, Text | Secret>> | undefined
  readonly args?: ReadonlyArray<Text> | undefined
  readonly system?: Text | undefined
  readonly session?: "fresh" | "keep" | undefined
  readonly workspace?: WorkspaceMode | undefined
  readonly base?: Text | undefined
  readonly limits?: LimitsOptions | undefined
  readonly stalledAfter?: DurationAmount | undefined
}

/** An agent. */
export interface Agent<out Name extends string = string> {
  readonly _tag: "Agent"
  readonly name: Name
  readonly options: AgentOptions
}

/** A team, whoever its members are. */
export interface AnyTeam {
  readonly _tag: "Team"
  readonly name: string
  readonly agents: ReadonlyArray<Agent>
  readonly options: TeamOptions
}

/** What there is to say of a team. */
export interface TeamOptions {
  /** How many of its tasks are under way at once, at most. */
  readonly maxParallel?: number | undefined
}

/** How often, and when, a task is tried again. */
export interface RetryOptions {
  readonly times: Amount
  readonly wait?: DurationAmount | undefined
  readonly backoff?: Amount | undefined
  readonly maxWait?: DurationAmount | undefined
  readonly on?: ReadonlyArray<RetriedEnd> | undefined
}

/** A command that checks what an agent claims. */
export interface VerificationOptions {
  readonly run: Text
  /** How long it may take. Defaults to 10 minutes. */
  readonly timeout?: DurationAmount | undefined
}

/** What holds for every task that does not say otherwise. */
export interface DefaultsOptions {
  readonly timeout?: DurationAmount | undefined
  readonly retry?: Amount | RetryOptions | undefined
  readonly stalledAfter?: DurationAmount | undefined
  readonly verify?: Text | VerificationOptions | undefined
}

/** What there is to say of a task of a team with these members; what is left out is as in a file. */
export interface TaskOptions<
  Member extends string,
  Declared extends DeclaredOutputs,
  Matrix extends AnyMatrix | undefined = undefined
> extends DefaultsOptions {
  /** Defaults to the id. */
  readonly subject?: Text | undefined
  readonly description: Text
  /** Who does it: an agent, whoever of several has least to do, or an expression that has the name of one, as of a matrix. */
  readonly assignTo: Agent<Member> | Arr.NonEmptyReadonlyArray<Agent<Member>> | Expression<Member>
  readonly blockedBy?: ReadonlyArray<AnyTask> | undefined
  readonly workspace?: WorkspaceMode | undefined
  /** What its own worktree is made from. */
  readonly base?: Text | undefined
  readonly type?: "general" | "research" | "implementation" | "review" | "testing" | "hello" | undefined
  /** Whether it runs: `if` in a file. */
  readonly condition?: string | Expression<unknown> | undefined
  /** Makes an instance of the task for each combination of its values. */
  readonly matrix?: Matrix
  /** How many instances of the matrix are under way at once, at most. */
  readonly maxParallel?: (Matrix extends AnyMatrix ? number : never) | undefined
  readonly outputs?: Declared | undefined
  readonly outputsPrompt?: boolean | undefined
  readonly continueOnError?: boolean | undefined
}

/** What there is to say of a gate; what is left out is as in a file. */
export interface GateOptions {
  /** Defaults to the id. */
  readonly subject?: Text | undefined
  /** What a person is asked. */
  readonly approve: Text
  readonly blockedBy?: ReadonlyArray<AnyTask> | undefined
  /** How long it waits until it counts as rejected. */
  readonly timeout?: DurationAmount | undefined
  /** Whether it asks: `if` in a file. */
  readonly condition?: string | Expression<unknown> | undefined
  readonly continueOnError?: boolean | undefined
}

/** What there is to say of a merge in a team with these members; what is left out is as in a file. */
export interface MergeOptions<Member extends string> {
  /** Defaults to the id. */
  readonly subject?: Text | undefined
  /** The tasks whose branches are merged, in this order. It waits for them. */
  readonly merge: Arr.NonEmptyReadonlyArray<AnyWork | AnyMerge>
  /** Who resolves conflicts. Without it, a conflict fails the task. */
  readonly onConflict?: Agent<Member> | undefined
  /** What that agent is told besides. */
  readonly description?: Text | undefined
  /** What it waits for as well. */
  readonly blockedBy?: ReadonlyArray<AnyTask> | undefined
  /** The limits of an attempt of that agent. */
  readonly timeout?: DurationAmount | undefined
  readonly stalledAfter?: DurationAmount | undefined
  /** Whether it merges: `if` in a file. */
  readonly condition?: string | Expression<unknown> | undefined
  readonly continueOnError?: boolean | undefined
}

/** A task that merges branches, whoever resolves conflicts. */
export interface AnyMerge {
  readonly _tag: "Merge"
  readonly id: string
  readonly team: AnyTeam
  /** What it waits for is all there, what it merges as well. */
  readonly options: MergeOptions<string>
}

/** A task that merges the branches of others into one of its own. */
export interface Merge extends AnyMerge {
  /** How it has ended. */
  readonly status: Expression<string>
  /** What was merged, in words. */
  readonly result: Expression<string>
  /** The branch that everything is merged into. */
  readonly branch: Expression<string>
  /** The commit that this was at when it had ended. */
  readonly commit: Expression<string>
}

/** A task that an agent does, whatever it answers. */
export interface AnyWork {
  readonly _tag: "Task"
  readonly id: string
  readonly team: AnyTeam
  readonly options: TaskOptions<string, DeclaredOutputs, AnyMatrix | undefined>
}

/** A task that a person does: it asks, and waits for the answer. */
export interface Gate {
  readonly _tag: "Gate"
  readonly id: string
  readonly team: AnyTeam
  readonly options: GateOptions
  /** How it has ended: `completed` when it was approved, `failed` when it was rejected. */
  readonly status: Expression<string>
  /** What was said to the answer, an empty text if nothing was. */
  readonly comment: Expression<string>
}

/** What a workflow that is used can be given, by the names of its inputs. */
export type GivenValues<Declared extends Inputs> = {
  readonly [Name in keyof Declared]?: InputType<Declared[Name]> | Expression<InputType<Declared[Name]>> | undefined
}

/** What there is to say of a task that another workflow is; what is left out is as in a file. */
export interface UseOptions<Outputs extends WorkflowOutputs, Declared extends Inputs> {
  /** Defaults to the id. */
  readonly subject?: Text | undefined
  /** What is run as this task. */
  readonly workflow: Workflow<Outputs, Declared>
  readonly with?: GivenValues<Declared> | undefined
  readonly blockedBy?: ReadonlyArray<AnyTask> | undefined
  /** Whether it runs: `if` in a file. */
  readonly condition?: string | Expression<unknown> | undefined
}

/** A task that another workflow is, whatever that answers. */
export interface AnyUse {
  readonly _tag: "Use"
  readonly id: string
  readonly team: AnyTeam
  readonly options: Omit<UseOptions<WorkflowOutputs, Inputs>, "with"> & { readonly with?: Readonly<Record<string, unknown>> | undefined }
}

/** A task that another workflow is, which answers what that one does. */
export interface Use<Outputs extends WorkflowOutputs> extends AnyUse {
  /** How it has ended. */
  readonly status: Expression<string>
  /** What the workflow answers by a name. */
  readonly output: <Name extends keyof Outputs & string>(name: Name) => Expression<Outputs[Name]>
}

/** A task, whoever does it. */
export type AnyTask = AnyWork | AnyUse | AnyMerge | Gate

/** The values of outputs, by their names. */
export type OutputValues<Declared extends DeclaredOutputs> = { readonly [Name in keyof Declared]: ValueTypes[Declared[Name]] }

/** A task that answers these outputs. One with a matrix has as many answers as instances: each expression is a list of them. */
export interface Task<Declared extends DeclaredOutputs, Matrix extends AnyMatrix | undefined = undefined> extends AnyWork {
  /** What makes its instances, if anything. */
  readonly matrix: Matrix | undefined
  /** What it answers, if anything. */
  readonly outputs: Declared | undefined
  /** How it has ended. */
  readonly status: Expression<Each<Matrix, string>>
  /** What its worker has written last. */
  readonly result: Expression<Each<Matrix, string>>
  /** What it has answered by a name that it declares. */
  readonly output: <Name extends keyof Declared & string>(name: Name) => Expression<Each<Matrix, OutputValues<Declared>[Name]>>
  /** The branch of the worktree that it was done in, if it was done in one. */
  readonly branch: Expression<Each<Matrix, string>>
  /** The commit that this was at when it had ended. */
  readonly commit: Expression<Each<Matrix, string>>
}

/** A team of these members. */
export interface Team<Member extends string> extends AnyTeam {
  /** Makes a task of the team, with an id that is unique in the workflow. */
  readonly task: <const Declared extends DeclaredOutputs = {}, Matrix extends AnyMatrix | undefined = undefined>(
    id: string,
    options: TaskOptions<Member, Declared, Matrix>
  ) => Task<Declared, Matrix>
  /** Makes a gate among the tasks of the team, with an id that is unique in the workflow. */
  readonly gate: (id: string, options: GateOptions) => Gate
  /** Makes a task of the team that merges the branches of others, with an id that is unique in the workflow. */
  readonly merge: (id: string, options: MergeOptions<Member>) => Merge
  /** Makes a task of the team of another workflow, with an id that is unique in the workflow. */
  readonly use: <Outputs extends WorkflowOutputs, Declared extends Inputs>(id: string, options: UseOptions<Outputs, Declared>) => Use<Outputs>
}

type Widened<Value> = Value extends string ? string : Value extends number ? number : Value extends boolean ? boolean : ReadonlyArray<unknown>

/** The type of the value of an input that is declared like this. */
export type InputType<Declared> = Declared extends { readonly type: infer Name extends keyof ValueTypes } ? ValueTypes[Name]
  : Declared extends { readonly default: infer Value } ? Widened<Value>
  : Declared extends { readonly options: ReadonlyArray<infer Value> } ? Widened<Value>
  : Declared extends string | number | boolean | ReadonlyArray<unknown> ? Widened<Declared>
  : string

/** What a workflow can be given. */
export interface WorkflowInputs<Declared extends Inputs> {
  readonly declared: Declared
  /** The value of an input by its name. */
  readonly input: <Name extends keyof Declared & string>(name: Name) => Expression<InputType<Declared[Name]>>
}

/** The secrets that a workflow needs. */
export interface WorkflowSecrets<Name extends string> {
  readonly names: ReadonlyArray<string>
  /** A secret by its name, for the environment of an agent. */
  readonly secret: (name: Name) => Secret
}

/** What a run may use at most: each of the limits can be left out, but not all. */
export interface BudgetOptions {
  readonly usd?: Amount | undefined
  readonly tokens?: Amount | undefined
  readonly tasks?: Amount | undefined
  readonly agentTime?: DurationAmount | undefined
}

/** The group of which only so many runs are under way at once. */
export interface ConcurrencyOptions {
  readonly group: Text
  readonly limit?: number | undefined
  readonly whenFull?: WhenFull | undefined
}

/** When a run of the workflow begins by itself; what is left out is as in a file. */
export interface ScheduleOptions {
  /** A cron expression of five fields. */
  readonly cron: string
  /** The name of its time zone. */
  readonly timezone?: string | undefined
  /** The values of inputs, by name. */
  readonly inputs?: GivenInputs | undefined
  readonly overlap?: Overlap | undefined
  readonly catchUp?: CatchUp | undefined
}

/** Who is told what becomes of a run; what is left out is as in a file. */
export interface NotifyOptions {
  /** Where to, unless `urlEnv` names the variable that holds the address. */
  readonly url?: string | undefined
  readonly urlEnv?: string | undefined
  readonly format?: Format | undefined
  /** What is told. */
  readonly on?: ReadonlyArray<Occasion> | undefined
  /** The name of the variable with the secret that what is posted is signed with. */
  readonly secretEnv?: string | undefined
  /** The name of the variable with a token. */
  readonly tokenEnv?: string | undefined
  readonly allowHttp?: boolean | undefined
}

/** What a workflow answers where another one uses it: the types of the values, by their names. */
export type WorkflowOutputs = Readonly<Record<string, unknown>>

/** What there is to say of a workflow; what is left out is as in a file. */
export interface WorkflowOptions<out Outputs extends WorkflowOutputs = WorkflowOutputs, out Declared extends Inputs = Inputs> {
  /** Its tasks. Those that they wait for belong to it as well. */
  readonly tasks: Arr.NonEmptyReadonlyArray<AnyTask>
  /** What the workflow is for. */
  readonly description?: Text | undefined
  /** Whatever else is worth noting. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
  readonly inputs?: { readonly declared: Declared } | undefined
  readonly secrets?: { readonly names: ReadonlyArray<string> } | undefined
  readonly teardown?: TeardownPolicy | undefined
  readonly defaults?: DefaultsOptions | undefined
  /** How many of its tasks are under way at once, at most. */
  readonly maxParallel?: number | undefined
  /** How long a run that only waits for gates has agents until it is parked. */
  readonly parkAfter?: Duration.DurationInput | "never" | undefined
  readonly budget?: BudgetOptions | undefined
  /** The group of which only so many runs are under way at once, or its name. */
  readonly concurrency?: Text | ConcurrencyOptions | undefined
  /** When runs of it begin by themselves, once they are on record. */
  readonly schedules?: ReadonlyArray<ScheduleOptions> | undefined
  /** Who is told what becomes of its runs. */
  readonly notify?: ReadonlyArray<NotifyOptions> | undefined
  readonly timeout?: DurationAmount | undefined
  /** What it answers where another one uses it: expressions over its tasks. */
  readonly outputs?: { readonly [Name in keyof Outputs]: Expression<Outputs[Name]> } | undefined
}

/** A workflow that can be built. */
export interface Workflow<out Outputs extends WorkflowOutputs = WorkflowOutputs, out Declared extends Inputs = Inputs> {
  readonly name: string
  readonly options: WorkflowOptions<Outputs, Declared>
}
