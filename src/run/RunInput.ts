/**
 * What a run was told to do, as it is written beside its events: as much as it
 * takes to resume it. It is forgotten when every task is completed.
 */
import { createHash } from "node:crypto"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as MutableRef from "effect/MutableRef"
import * as Schema from "effect/Schema"
import { GivenInputs } from "../workflow/Inputs.ts"
import * as KnownKeys from "../workflow/KnownKeys.ts"
import { withoutSchedules, WorkflowSpec } from "../workflow/WorkflowSpec.ts"

/**
 * Schema of what a run was told to do.
 *
 * **Example** (The workflow file of a run)
 *
 * ```ts
 * import type { RunInput } from "telemachy"
 *
 * export const fileOf = ({ source = "standard input" }: RunInput.RunInput) => source
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const RunInput = Schema.Struct({
  spec: WorkflowSpec,
  /** The absolute path of the workflow file, when there is one. */
  source: Schema.optionalWith(Schema.String, { exact: true }),
  /** Whether the run ignored what existed on Agamemnon. */
  force: Schema.Boolean,
  /** Whether the run has agents and teams of its own. */
  separate: Schema.optionalWith(Schema.Boolean, { exact: true }),
  /** The values of inputs that were given. Absent when the workflow has neither inputs nor expressions. */
  inputs: Schema.optionalWith(GivenInputs, { exact: true })
})
export interface RunInput extends Schema.Schema.Type<typeof RunInput> {}

/**
 * An input as it is written.
 *
 * @since 0.1.0
 * @category models
 */
export interface Encoded {
  readonly json: string
  /** SHA-256 of it, which the events of the run name. */
  readonly digest: string
}

/**
 * What is written is not what was to be written, or says something that only a newer version understands: whoever left that out
 * would not do what the run was told to do.
 *
 * **Example** (Telling a damaged input from one that is forgotten)
 *
 * ```ts
 * import { Effect, Option } from "effect"
 * import { type RunId, RunInput, RunStore } from "telemachy"
 *
 * export const isDamaged = (run: RunId.RunId) =>
 *   Effect.flatMap(RunStore.RunStore, ({ input }) => input(run)).pipe(
 *     Effect.flatMap(Option.match({ onNone: () => Effect.void, onSome: RunInput.decode })),
 *     Effect.as(false),
 *     Effect.catchTag("RunInputDamagedError", () => Effect.succeed(true))
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class RunInputDamagedError extends Schema.TaggedError<RunInputDamagedError>()("RunInputDamagedError", {
  /** Whether it is whole, and of a newer version. */
  isNewer: Schema.optionalWith(Schema.Boolean, { exact: true })
}) {
  override get message(): string {
    return this.isNewer === true
      ? "a newer telemachy has written what the run was told to do, which this one does not understand; update telemachy"
      : "what the run was told to do is not what was recorded"
  }
}

const Json = Schema.parseJson(RunInput)

const decodeValue = KnownKeys.decodeUnknownEither(RunInput)

const decodeJson = (json: string) => Either.flatMap(Either.try((): unknown => JSON.parse(json)), decodeValue)

/**
 * What was decoded last, for as long as somebody has it: who looks at a run before it goes on asks for the same twice, and to
 * decode thousands of tasks takes a while.
 */
const last = MutableRef.make<{ readonly digest: string; readonly input?: WeakRef<RunInput> }>({ digest: "" })

const digest = (json: string): string => createHash("sha256").update(json).digest("hex")

/**
 * Encodes an input. The schedules of the workflow are nothing that a run is told to do, and are left out.
 *
 * **Example** (The digest that the events of a run name)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { RunInput, type WorkflowSpec } from "telemachy"
 *
 * export const digestOf = (spec: WorkflowSpec.WorkflowSpec) =>
 *   Effect.map(RunInput.encode({ spec, force: false }), ({ digest }) => digest)
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const encode = (input: RunInput): Effect.Effect<Encoded> =>
  Effect.map(Effect.orDie(Schema.encode(Json)({ ...input, spec: withoutSchedules(input.spec) })), (json) => ({ json, digest: digest(json) }))

/**
 * Decodes an input. Fails when it is not the one that its digest was made of, or has a key that this version does not know.
 *
 * **Example** (What a run was told to do)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { type RunId, RunInput, RunStore } from "telemachy"
 *
 * export const specOf = (run: RunId.RunId) =>
 *   Effect.gen(function*() {
 *     const { input } = yield* RunStore.RunStore
 *     const { spec } = yield* Effect.flatMap(Effect.flatten(input(run)), RunInput.decode)
 *     return spec
 *   })
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const decode = ({ digest: expected, json }: Encoded): Effect.Effect<RunInput, RunInputDamagedError> =>
  Effect.suspend(() => {
    if (digest(json) !== expected) return new RunInputDamagedError({})
    const known = MutableRef.get(last)
    const input = known.digest === expected ? known.input?.deref() : undefined
    if (input !== undefined) return Effect.succeed(input)
    return decodeJson(json).pipe(
      Effect.mapError(() => new RunInputDamagedError({ isNewer: true })),
      Effect.tap((input) => Effect.sync(() => MutableRef.set(last, { digest: expected, input: new WeakRef(input) })))
    )
  })
