/** `telemachy approve`: approves what a run asks. */
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { config, definition } from "../definition/ApproveDefinition.ts"
import * as ConfigSources from "../ConfigSources.ts"
import * as AnswerFlow from "../AnswerFlow.ts"

export const command = Command.make("approve", config, (flags) =>
  AnswerFlow.run({ ...flags, decision: "approved", redo: Option.none() }).pipe(
    Effect.provide(ConfigSources.layer(flags))
  )).pipe(Command.withDescription(definition.sentence))
