/**
 * A run as an entity of the cluster: one runner at a time has it. A message
 * holds ids only, so that a runner of any version reads it; what the run is told
 * to do, and how far it has got, the journal knows.
 */
import * as ClusterSchema from "@effect/cluster/ClusterSchema"
import * as Entity from "@effect/cluster/Entity"
import * as Rpc from "@effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import { RunId } from "../run/RunId.ts"

/** The type of the entity. */
export const type = "Run"

/** The message that has a run driven to its end. The same attempt is the same message. */
export const Execute = Rpc.make("Execute", {
  payload: { run: RunId, attempt: Schema.Int },
  primaryKey: ({ attempt, run }) => `${run}/${attempt}`,
  success: Schema.Void
}).annotate(ClusterSchema.Persisted, true).annotate(ClusterSchema.Uninterruptible, true)

/** The entity. */
export const RunEntity = Entity.make(type, [Execute])
