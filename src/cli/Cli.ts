/** The command line: its commands, and what each way to end means for the exit code. */
import * as Command from "@effect/cli/Command"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import type { Style } from "../report/Style.ts"
import { printable } from "../report/Wording.ts"
import manifest from "../../package.json" with { type: "json" }
import * as Settings from "../Settings.ts"
import * as AgamemnonCommand from "./AgamemnonCommand.ts"
import * as Argv from "./Argv.ts"
import * as ExitCode from "./ExitCode.ts"
import * as Failure from "./Failure.ts"
import * as Help from "./Help.ts"
import * as PlanCommand from "./PlanCommand.ts"
import * as RunCommand from "./RunCommand.ts"
import * as SchemaCommand from "./SchemaCommand.ts"
import * as Streams from "./Streams.ts"
import * as TeardownCommand from "./TeardownCommand.ts"
import * as ValidateCommand from "./ValidateCommand.ts"

const commands = [
  RunCommand.command,
  PlanCommand.command,
  ValidateCommand.command,
  TeardownCommand.command,
  SchemaCommand.command,
  AgamemnonCommand.command
] as const

/** The help of each command, by its name. */
export const pages = {
  run: RunCommand.page,
  plan: PlanCommand.page,
  validate: ValidateCommand.page,
  teardown: TeardownCommand.page,
  schema: SchemaCommand.page,
  agamemnon: AgamemnonCommand.page
}

const sentence = "Run multi-agent workflows on Agamemnon, notice when it dies, leave nothing behind."

const overview = (style: Style) =>
  Help.overview(sentence, pages, {
    "EXIT CODES": ExitCode.meanings,
    "SETTINGS (a flag wins over the environment, the environment over .env, .env over the default)": Settings.all.map(
      ({ description, fallback, name }): Help.Row => [name, `${description} (${fallback})`]
    )
  }, style)

const root = Command.make("telemachy").pipe(Command.withDescription(sentence), Command.withSubcommands(commands))

const parse = Command.run(root, { name: manifest.name, version: manifest.version, executable: "telemachy" })

/**
 * Runs the command that the arguments name and succeeds with its exit code,
 * having said what went wrong. Interrupting it cancels the command.
 */
export const main = Effect.fn("Cli.main")(function*(argv: ReadonlyArray<string>) {
  const request = Argv.read(argv, pages)
  // The wizard would wait for answers for ever.
  if (argv[0] === "--wizard" && !process.stdin.isTTY) {
    return yield* Effect.as(Console.error("--wizard asks questions, which takes a terminal"), ExitCode.invalid)
  }
  switch (request._tag) {
    case "Unknown":
      return yield* Effect.as(Console.error(printable(request.message)), ExitCode.invalid)
    case "Help": {
      const { style } = yield* Streams.outputOf(process.stdout)
      const { command } = request
      return yield* Effect.as(
        Console.log(command === undefined ? overview(style) : Help.command(command.name, command.page, style)),
        0
      )
    }
    case "Run":
      return yield* parse(["node", "telemachy", ...request.argv]).pipe(
        Effect.as(0),
        Effect.catchAllCause((cause) => {
          if (Cause.isInterruptedOnly(cause)) return Effect.interrupt
          const { code, message } = Failure.fromCause(cause, {
            command: argv[0] ?? "",
            verbose: argv.includes("--verbose") || argv.includes("-v")
          })
          return Effect.as(message === "" ? Effect.void : Console.error(printable(message)), code)
        })
      )
  }
})
