/** The run of the same workflow that did not get to its end, in place of which another would begin. */
import { isatty } from "node:tty"
import * as Prompt from "@effect/cli/Prompt"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import { oneLine } from "../report/Format.ts"
import type { RunState } from "../run/RunState.ts"
import type { RunStatus } from "../run/RunStatus.ts"
import * as AgamemnonAddress from "../settings/AgamemnonAddress.ts"
import { RunStore } from "../store/RunStore.ts"
import * as Backend from "./Backend.ts"
import * as NextCommand from "./NextCommand.ts"
import * as RunLookup from "./RunLookup.ts"
import * as Streams from "./Streams.ts"

/** How a run stands of which there is something to resume. */
const unfinished: ReadonlySet<RunStatus> = new Set([
  "interrupted",
  "failed",
  "connectivity_lost",
  "state_lost",
  "timed_out",
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

/** Whether there is a person to ask, who sees the question and can type an answer. A build server with a terminal has none. */
const canAsk = Effect.map(Streams.outputOf(process.stdout), ({ isScreen }) => isScreen && isatty(process.stdin.fd))

/** How a person wants an earlier run to be treated. */
export interface Flags {
  readonly resume: boolean
  readonly yes: boolean
  readonly json: boolean
  readonly quiet: boolean
  /** Whether standard input has been read, so that no answer can be typed on it. */
  readonly isInputUsed: boolean
}

/** Says that there is an earlier run, and whether that is to be resumed instead: as was asked for, or as a person answers. */
const isToBeResumed = Effect.fn("EarlierRun.isToBeResumed")(function*(
  { state, status }: EarlierRun,
  flags: Flags
) {
  const what = `run ${state.run} of workflow ${oneLine(state.workflow)} ${statusInWords(status)}`
  if (flags.resume) return yield* Effect.as(Console.error(`${what}: going on with it`), true)
  const isSilent = flags.yes || flags.json || flags.quiet || flags.isInputUsed
  if (!isSilent && (yield* canAsk)) {
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
