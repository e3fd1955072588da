/**
 * What a run was told to do, as it is recorded beside its events: as much as it
 * takes to resume it. It is forgotten when every task is completed.
 */
import { createHash } from "node:crypto"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { WorkflowSpec } from "../workflow/WorkflowSpec.ts"

/** Schema of a declaration. */
export const Declaration = Schema.Struct({
  spec: WorkflowSpec,
  /** The absolute path of the workflow file, when there is one. */
  source: Schema.optionalWith(Schema.String, { exact: true }),
  /** Whether the run ignored what existed on Agamemnon. */
  force: Schema.Boolean
})
export interface Declaration extends Schema.Schema.Type<typeof Declaration> {}

/** A declaration as it is recorded. */
export interface Text {
  readonly json: string
  /** SHA-256 of it, which the events of the run name. */
  readonly digest: string
}

const Json = Schema.parseJson(Declaration)

const digest = (json: string): string => createHash("sha256").update(json).digest("hex")

/** Writes a declaration. */
export const write = (declaration: Declaration): Effect.Effect<Text> =>
  Effect.map(Effect.orDie(Schema.encode(Json)(declaration)), (json) => ({ json, digest: digest(json) }))

/** A declaration that is not what was recorded. */
export class DeclarationDamaged extends Schema.TaggedError<DeclarationDamaged>()("DeclarationDamaged", {}) {
  override get message(): string {
    return "what the run was told to do is not what was recorded"
  }
}

/** Reads a declaration back. */
export const read = (text: Text): Effect.Effect<Declaration, DeclarationDamaged> =>
  digest(text.json) === text.digest
    ? Effect.mapError(Schema.decode(Json)(text.json), () => new DeclarationDamaged())
    : new DeclarationDamaged()
