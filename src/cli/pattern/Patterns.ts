/** The patterns that there are, in the order in which they are shown. */
import * as FanOut from "./FanOut.ts"
import * as Gate from "./Gate.ts"
import * as Nightly from "./Nightly.ts"
import * as OneAgent from "./OneAgent.ts"
import type { Pattern } from "./Pattern.ts"
import * as PlanImplementReview from "./PlanImplementReview.ts"

export const all: ReadonlyArray<Pattern> = [
  OneAgent.pattern,
  PlanImplementReview.pattern,
  FanOut.pattern,
  Gate.pattern,
  Nightly.pattern
]

/** The one that is written when nobody says which. */
export const usual: Pattern = OneAgent.pattern

/** Finds a pattern by its name. */
export const find = (name: string): Pattern | undefined => all.find((pattern) => pattern.name === name)
