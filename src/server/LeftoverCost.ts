/** What something that nobody removes has cost since its run ended, by the price that the operator has set for an agent. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import type { ResourceState } from "../run/RunState.ts"

/** What it is computed of. */
export interface Options {
  /** US dollars that an agent costs an hour, if that is known. */
  readonly usdPerHour: number | undefined
  /** When its run ended, or was last heard of. */
  readonly since: DateTime.Utc | undefined
  readonly now: DateTime.Utc
}

/** The cost in US dollars. Nothing is known without a price; teams and directories cost nothing, and an agent that was there before is somebody else's. */
export const of = (
  { kind, reused }: Pick<ResourceState, "kind" | "reused">,
  { now, since, usdPerHour }: Options
): number | undefined =>
  kind !== "agent" || reused || since === undefined || usdPerHour === undefined
    ? undefined
    : usdPerHour * Duration.toHours(DateTime.distanceDuration(since, DateTime.max(since, now)))
