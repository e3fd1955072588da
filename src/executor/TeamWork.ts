/** What it takes to run the tasks of a team. */
import type * as Context from "effect/Context"
import type { AgamemnonError, AgamemnonStateLostError } from "../agamemnon/AgamemnonError.ts"
import type { TaskId } from "../agamemnon/AgamemnonModel.ts"
import type { JournalError, LeaseLostError } from "../run/JournalError.ts"
import type * as WorkflowGraph from "../workflow/WorkflowGraph.ts"
import type { TaskSpec } from "../workflow/WorkflowSpec.ts"
import type { AgentLoad } from "./AgentLoad.ts"
import type { Background } from "./Background.ts"
import type { BudgetGuard } from "./BudgetGuard.ts"
import type { CurrentRun } from "./CurrentRun.ts"
import type * as Monitor from "./Monitor.ts"
import type { ProvisionedTeam } from "./Provisioning.ts"
import type { RunAgamemnon } from "./RunAgamemnon.ts"
import type { BudgetExceededError } from "./RunError.ts"
import type { RunRequest } from "./RunRequest.ts"
import type { Slots } from "./Slots.ts"
import type { RunWorkspaces } from "./RunWorkspaces.ts"
import type * as TeamTasks from "./TeamTasks.ts"

/** Why a task can not be run to its end. */
export type TaskRunError = AgamemnonError | AgamemnonStateLostError | JournalError | LeaseLostError | BudgetExceededError

/** What the tasks of a team have in common. */
export interface TeamWork {
  readonly team: ProvisionedTeam
  readonly agamemnon: Context.Tag.Service<RunAgamemnon>
  readonly run: Context.Tag.Service<CurrentRun>
  readonly budget: Context.Tag.Service<BudgetGuard>
  readonly request: Context.Tag.Service<RunRequest>
  readonly monitor: Monitor.Monitor
  readonly workspaces: Context.Tag.Service<RunWorkspaces>
  /** What other runs have submitted to the team. */
  readonly others: TeamTasks.TeamTasks
  readonly workflow: WorkflowGraph.WorkflowGraph<TaskSpec>
  /** The ids of the tasks of the workflow that exist on Agamemnon, by their keys; of one with a matrix, those of its instances. */
  readonly ids: Map<string, ReadonlyArray<TaskId>>
  /** How many tasks of the workflow, and then of the team, may be under way at once. */
  readonly slots: ReadonlyArray<Slots>
  /** How much the agents of the run have to do. */
  readonly load: AgentLoad
  /** What goes on beside the tasks until the workflow has no more to do. */
  readonly background: Pick<Background<TaskRunError>, "run">
}
