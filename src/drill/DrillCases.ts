/** All cases of a drill, in the order of its table, and those that somebody names. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { nearest } from "../workflow/Suggestion.ts"
import type { DrillCase } from "./DrillCase.ts"
import * as KillCases from "./KillCases.ts"
import * as OutageCases from "./OutageCases.ts"
import * as SecondRunCases from "./SecondRunCases.ts"

/** The cases. */
export const all: ReadonlyArray<DrillCase> = [...OutageCases.cases, ...KillCases.cases, ...SecondRunCases.cases]

/** There is no case of a name. */
export class UnknownCaseError extends Schema.TaggedError<UnknownCaseError>()("UnknownCaseError", { name: Schema.String }) {
  override get message(): string {
    const names = all.map(({ name }) => name)
    const meant = nearest(this.name, names)
    const hint = meant === undefined ? `the cases are ${names.join(", ")}` : `did you mean ${meant}?`
    return `there is no case ${JSON.stringify(this.name)}: ${hint}`
  }
}

const matching = (name: string): ReadonlyArray<DrillCase> => {
  const exact = all.filter((each) => each.name === name)
  return exact.length > 0 || name === "" ? exact : all.filter((each) => each.name.startsWith(`${name}-`))
}

/** The cases of these names, each of which can be the beginning of several: `killed`. Without names, all. */
export const named = (names: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<DrillCase>, UnknownCaseError> =>
  names.length === 0
    ? Effect.succeed(all)
    : Effect.map(
      Effect.forEach(names, (name) => {
        const found = matching(name)
        return found.length === 0 ? new UnknownCaseError({ name }) : Effect.succeed(found)
      }),
      (found) => all.filter((each) => found.some((those) => those.includes(each)))
    )
