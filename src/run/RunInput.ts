/**
 * What a run was told to do, as it is written beside its events: as much as it
 * takes to resume it. It is forgotten when every task is completed.
 */
import { createHash } from "node:crypto"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { WorkflowSpec } from "../workflow/WorkflowSpec.ts"

/** Schema of what a run was told to do. */
export const RunInput = Schema.Struct({
  spec: WorkflowSpec,
  /** The absolute path of the workflow file, when there is one. */
  source: Schema.optionalWith(Schema.String, { exact: true }),
  /** Whether the run ignored what existed on Agamemnon. */
  force: Schema.Boolean
})
export interface RunInput extends Schema.Schema.Type<typeof RunInput> {}

/** An input as it is written. */
export interface Encoded {
  readonly json: string
  /** SHA-256 of it, which the events of the run name. */
  readonly digest: string
}

/** What is written is not what was to be written. */
export class RunInputDamagedError extends Schema.TaggedError<RunInputDamagedError>()("RunInputDamagedError", {}) {
  override get message(): string {
    return "what the run was told to do is not what was recorded"
  }
}

const Json = Schema.parseJson(RunInput)

const digest = (json: string): string => createHash("sha256").update(json).digest("hex")

/** Encodes an input. */
export const encode = (input: RunInput): Effect.Effect<Encoded> =>
  Effect.map(Effect.orDie(Schema.encode(Json)(input)), (json) => ({ json, digest: digest(json) }))

/** Decodes an input. Fails when it is not the one that its digest was made of. */
export const decode = ({ digest: expected, json }: Encoded): Effect.Effect<RunInput, RunInputDamagedError> =>
  digest(json) === expected
    ? Effect.mapError(Schema.decode(Json)(json), () => new RunInputDamagedError())
    : new RunInputDamagedError()
