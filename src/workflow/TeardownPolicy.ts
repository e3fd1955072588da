/** When what a run made is removed. */
import * as Schema from "effect/Schema"

/**
 * Schema of the rule by which what a run made is removed when it ends:
 * after success (`on_completion`), after failure (`on_failure`), after either
 * (`always`), or not at all (`never`).
 *
 * **Example** (Keeping everything while debugging)
 *
 * ```ts
 * import { type TeardownPolicy, WorkflowExecutor, type WorkflowSpec } from "telemachy"
 *
 * const policy: TeardownPolicy.TeardownPolicy = "never"
 *
 * export const debug = (spec: WorkflowSpec.WorkflowSpec) => WorkflowExecutor.execute(spec, { teardown: policy })
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const TeardownPolicy = Schema.Literal("on_completion", "on_failure", "always", "never")
export type TeardownPolicy = typeof TeardownPolicy.Type
