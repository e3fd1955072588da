/**
 * A run as an entity of the cluster. Its message says no more than that the run
 * is there: what it is told to do, how far it has got and who drives it, the
 * journal knows.
 */
import * as ClusterSchema from "@effect/cluster/ClusterSchema"
import * as Entity from "@effect/cluster/Entity"
import * as Rpc from "@effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import { RunId } from "../run/RunId.ts"

/** The type of the entity. */
export const type = "Run"

/** The message that has a runner look at the queue at once. It holds an id only, so that a runner of any version reads it. */
export const Execute = Rpc.make("Execute", {
  payload: { run: RunId },
  primaryKey: ({ run }) => run,
  success: Schema.Void
}).annotate(ClusterSchema.Persisted, true).annotate(ClusterSchema.Uninterruptible, true)

/** The entity. */
export const RunEntity = Entity.make(type, [Execute])
