/** What is done to runs that a server has on record, by the server. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as LogLines from "../report/LogLines.ts"
import type { RunId } from "../run/RunId.ts"
import * as TaskLookup from "../run/TaskLookup.ts"
import * as ServerConnection from "../server/ServerConnection.ts"
import type * as TaskOutput from "../server/TaskOutput.ts"
import type * as GateAnswering from "../store/GateAnswering.ts"
import * as Outage from "../store/Outage.ts"
import { RunReader } from "../store/RunReader.ts"
import type { RunSummary } from "../store/RunSummary.ts"
import type * as TaskLogOutput from "./TaskLogOutput.ts"

/** Makes the operations. */
export const make = Effect.gen(function*() {
  const { ask, client } = yield* ServerConnection.ServerConnection
  const { stateOf } = yield* RunReader
  const change = <A, E extends { readonly _tag: string }>(request: Effect.Effect<A, E>) => ask(request, ServerConnection.changeTimeout)
  return {
    cancel: ({ run }: RunSummary) => change(client.runs.cancel({ path: { run } })),
    cleanup: (run: RunId) => change(client.runs.cleanup({ path: { run } })),
    answer: (run: RunId, { comment, decision, redo, task }: Omit<GateAnswering.Answer, "by">) =>
      Effect.map(
        change(client.runs.answer({
          path: { run },
          payload: {
            decision,
            comment: Option.getOrUndefined(comment),
            redo: Option.getOrUndefined(redo),
            task: Option.getOrUndefined(task)
          }
        })),
        ({ asked, redo, subject, team }): GateAnswering.Answered => ({ run, gate: { team, subject, asked }, redo })
      ),
    forget: (run: RunId) => Effect.asVoid(change(client.runs.forget({ path: { run } }))),
    taskLog: (run: RunId, name: string, { say, ...options }: TaskOutput.Options) =>
      Effect.gen(function*() {
        const { subject, team } = yield* TaskLookup.find(yield* stateOf(run), name)
        const told = client.log(run, { ...options, task: `${team}/${subject}`, onOutage: Outage.saying(say) })
        const lines = Stream.map(told, (line) => ({ ...line, text: LogLines.printable(line.text) }))
        return { _tag: "Lines", lines } satisfies TaskLogOutput.Output as TaskLogOutput.Output
      })
  }
})
