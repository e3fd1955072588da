/** Log entries of the command: to standard error, as LOG_LEVEL and LOG_FORMAT say. */
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as HashSet from "effect/HashSet"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Settings from "../settings/Settings.ts"
import * as Streams from "./Streams.ts"

const levels = {
  debug: LogLevel.Debug,
  info: LogLevel.Info,
  warning: LogLevel.Warning,
  error: LogLevel.Error,
  critical: LogLevel.Fatal,
  none: LogLevel.None
}

const loggers = (colors: boolean) => ({
  pretty: Logger.prettyLogger({ stderr: true, colors }),
  plain: Logger.prettyLogger({ stderr: true, colors: false }),
  logfmt: Logger.withConsoleError(Logger.logfmtLogger),
  json: Logger.withConsoleError(Logger.jsonLogger)
})

/** Has the logger that the settings ask for, for as long as the scope. */
export const install = Effect.gen(function*() {
  const level = yield* Settings.logLevel.config
  const format = yield* Settings.logFormat.config
  const { isColored } = yield* Streams.outputOf(process.stderr)
  const logger = loggers(isColored)[format]
  yield* Effect.locallyScopedWith(FiberRef.currentLoggers, (all) => HashSet.add(HashSet.remove(all, Logger.defaultLogger), logger))
  yield* Effect.locallyScoped(FiberRef.currentMinimumLogLevel, levels[level])
})
