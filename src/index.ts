/**
 * Runs declarative multi-agent workflows on Agamemnon, with a health check
 * beside the work and teardown of everything that was made.
 */
export * as AgamemnonApi from "./agamemnon/AgamemnonApi.ts"
export * as AgamemnonClient from "./agamemnon/AgamemnonClient.ts"
export * as AgamemnonError from "./agamemnon/AgamemnonError.ts"
export * as Connectivity from "./liveness/Connectivity.ts"
export * as EmbeddedAgamemnon from "./agamemnon/embedded/EmbeddedAgamemnon.ts"
export * as Faults from "./agamemnon/embedded/Faults.ts"
export * as Heartbeat from "./liveness/Heartbeat.ts"
export * as Leftovers from "./run/Leftovers.ts"
export * as Persistence from "./agamemnon/Persistence.ts"
export * as ResourceKey from "./workflow/ResourceKey.ts"
export * as RunError from "./run/RunError.ts"
export * as RunEvent from "./run/RunEvent.ts"
export * as RunState from "./run/RunState.ts"
export * as Settings from "./Settings.ts"
export * as TaskGraph from "./workflow/TaskGraph.ts"
export * as WorkflowExecutor from "./run/WorkflowExecutor.ts"
export * as WorkflowFile from "./workflow/WorkflowFile.ts"
export * as WorkflowProblem from "./workflow/WorkflowProblem.ts"
export * as WorkflowSpec from "./workflow/WorkflowSpec.ts"
