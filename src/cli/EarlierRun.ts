/** The run of the same workflow that did not get to its end, in place of which another would begin. */
import * as Prompt from "@effect/cli/Prompt"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import { oneLine } from "../report/Format.ts"
import type { RunId } from "../run/RunId.ts"
import * as RunInput from "../run/RunInput.ts"
import type { RunState } from "../run/RunState.ts"
import type { RunStatus } from "../run/RunStatus.ts"
import * as AgamemnonAddress from "../settings/AgamemnonAddress.ts"
import { RunStore } from "../store/RunStore.ts"
import * as Backend from "./Backend.ts"
import * as NextCommand from "./NextCommand.ts"
import * as RunLookup from "../store/RunLookup.ts"
import * as Streams from "./Streams.ts"

/** How a run stands of which there is something to resume. */
const unfinished: ReadonlySet<RunStatus> = new Set([
  "interrupted",
  "failed",
  "connectivity_lost",
  "state_lost",
  "timed_out",
  "waiting",
  "over_budget",
  "cancelled"
] satisfies ReadonlyArray<RunStatus>)

/** An earlier run. */
interface EarlierRun {
  readonly state: RunState
  readonly status: RunStatus
}

/** Finds the newest run of a workflow, if it did not get to its end and is on the Agamemnon that is used now. */
const find = Effect.fn("EarlierRun.find")(function*(workflow: string) {
  const store = yield* RunStore
  const newest = yield* store.newest(workflow)
  if (Option.isNone(newest) || !unfinished.has(newest.value.status)) return Option.none<EarlierRun>()
  const state = yield* RunLookup.stateOf(newest.value.run)
  const { url } = yield* AgamemnonClient
  const isHere = state.embedded ? yield* Backend.IsEmbedded : AgamemnonAddress.isSame(state.url, url)
  return isHere && NextCommand.resumption(state) !== undefined
    ? Option.some<EarlierRun>({ state, status: newest.value.status })
    : Option.none<EarlierRun>()
})

const statusInWords = (status: RunStatus): string =>
  status === "failed" ? "has failed" : `is ${status.replaceAll("_", " ")}`

/** How a person wants an earlier run to be treated. */
export interface Flags {
  readonly resume: boolean
  readonly yes: boolean
  readonly json: boolean
  readonly quiet: boolean
  /** Whether standard input has been read, so that no answer can be typed on it. */
  readonly isInputUsed: boolean
  /** What the workflow is given. */
  readonly inputs: Readonly<Record<string, unknown>>
}

/** The run that was to be gone on with was given something else. */
export class OtherInputsError extends Schema.TaggedError<OtherInputsError>()("OtherInputsError", {
  run: Schema.String,
  inputs: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `run ${this.run} was given other inputs (${this.inputs.join(", ")}), and goes on with those: leave them out, or leave --resume out`
  }
}

/** The inputs of a recorded run that are others than those that are given now; one that is left out is none of them. */
const otherInputs = Effect.fn("EarlierRun.otherInputs")(function*(run: RunId, given: Flags["inputs"]) {
  const { input } = yield* RunStore
  const told = yield* Effect.flatMap(input(run), Effect.transposeMapOption(RunInput.decode))
  const { inputs = {} }: Pick<RunInput.RunInput, "inputs"> = Option.getOrElse(told, () => ({}))
  return Object.keys(given).filter((name) => JSON.stringify(given[name]) !== JSON.stringify(inputs[name]))
})

/** Says that there is an earlier run, and whether that is to be resumed instead: as was asked for, or as a person answers. */
const isToBeResumed = Effect.fn("EarlierRun.isToBeResumed")(function*(
  { state, status }: EarlierRun,
  flags: Flags
) {
  const what = `run ${state.run} of workflow ${oneLine(state.workflow)} ${statusInWords(status)}`
  const differing = otherInputs(state.run, flags.inputs)
  const others = yield* (flags.resume ? differing : Effect.orElseSucceed(differing, () => []))
  if (flags.resume && others.length > 0) return yield* new OtherInputsError({ run: state.run, inputs: others })
  if (flags.resume) return yield* Effect.as(Console.error(`${what}: going on with it`), true)
  // One that waits for an answer goes on when it has one.
  const isSilent = status === "waiting" || flags.yes || flags.json || flags.quiet || flags.isInputUsed || others.length > 0
  if (!isSilent && (yield* Streams.canAsk)) {
    return yield* Prompt.confirm({ message: `${what}; go on with it, instead of running the workflow anew?`, initial: true }).pipe(
      Effect.catchTag("QuitException", () => Effect.interrupt)
    )
  }
  yield* Console.error(`${what}; this is another run. To go on with that one: ${NextCommand.resumption(state)}`)
  return false
})

/**
 * The run of a workflow that is to be resumed instead of beginning another. That
 * it cannot be read keeps no other from beginning, unless it was asked for.
 */
export const toResume = (workflow: string, flags: Flags) =>
  Effect.flatMap(flags.resume ? find(workflow) : Effect.orElseSucceed(find(workflow), () => Option.none<EarlierRun>()), Option.match({
    onNone: () => Effect.succeedNone,
    onSome: (earlier) =>
      Effect.map(isToBeResumed(earlier, flags), (isResumed) =>
        isResumed ? Option.some(earlier.state.run) : Option.none())
  }))
