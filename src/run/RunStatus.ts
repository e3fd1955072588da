/** Where a recorded run is. */
import * as Schema from "effect/Schema"
import { Outcome } from "./Outcome.ts"

/**
 * How a run has ended, or that it was submitted and nobody has begun it, or is to go on (`queued`), that a living process drives it (`running`), that its
 * process has ended before it did (`interrupted`), that what it did is not on
 * record any more (`forgotten`), or that its journal cannot be read (`damaged`).
 */
export const RunStatus = Schema.Literal(...Outcome.literals, "queued", "running", "interrupted", "forgotten", "damaged")
export type RunStatus = typeof RunStatus.Type
