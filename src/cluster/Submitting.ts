/** Submits runs to whichever runners there are. */
import * as Sharding from "@effect/cluster/Sharding"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Submission from "../executor/Submission.ts"
import type { RunId } from "../run/RunId.ts"
import type { WorkflowSpec } from "../workflow/WorkflowSpec.ts"
import * as ClusterLayer from "./ClusterLayer.ts"
import * as RunEntity from "./RunEntity.ts"

/** Tells the runners of a run that is on record. */
const send = (run: RunId) =>
  Effect.flatMap(RunEntity.RunEntity.client, (client) => client(run).Execute({ run }, { discard: true }))

/**
 * Puts a run on record, and tells the runners of it. Where they cannot be told, that is no failure: they find it on record soon.
 */
export const submit = Effect.fn("Submitting.submit")(function*(spec: WorkflowSpec, options: Submission.Options = {}) {
  yield* Sharding.Sharding
  const submitted = yield* Submission.record(spec, options)
  if (submitted.isNew) {
    yield* send(submitted.run).pipe(
      Effect.timeout("5 seconds"),
      Effect.catchAllCause((cause) => Effect.logDebug("the runners could not be told", cause))
    )
  }
  return submitted
})

/** Layer of what it takes to submit: a member of the cluster that drives nothing. */
export const layer = (url: Redacted.Redacted, where: string) => ClusterLayer.layer({ url, where, runner: Option.none() })

