/** The settings of a heartbeat: by themselves, so that who only uses that loads nothing of Node with it. */
import { count, duration } from "./Setting.ts"

/** The time from the start of one ping to the start of the next. */
export const healthcheckInterval = duration("HEALTHCHECK_INTERVAL_SECONDS", "15 seconds", "Time between two liveness pings")

/** How many pings in a row must fail before Agamemnon counts as lost. */
export const healthcheckFailureThreshold = count(
  "HEALTHCHECK_FAILURE_THRESHOLD",
  2,
  "Failed pings in a row after which Agamemnon counts as lost"
)

/** How long a ping waits for an answer. */
export const healthcheckTimeout = duration("HEALTHCHECK_TIMEOUT_SECONDS", "5 seconds", "How long a ping waits for its answer")
