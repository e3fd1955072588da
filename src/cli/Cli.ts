/** The command line: its commands, and what each way to end means for the exit code. */
import * as Command from "@effect/cli/Command"
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import manifest from "../../package.json" with { type: "json" }
import * as Settings from "../Settings.ts"
import * as AgamemnonCommand from "./AgamemnonCommand.ts"
import * as Argv from "./Argv.ts"
import * as ExitCode from "./ExitCode.ts"
import * as Failure from "./Failure.ts"
import * as Flags from "./Flags.ts"
import * as PlanCommand from "./PlanCommand.ts"
import * as RunCommand from "./RunCommand.ts"
import * as SchemaCommand from "./SchemaCommand.ts"
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

const flags: Argv.Commands = {
  run: Flags.of(RunCommand.config),
  plan: Flags.of(PlanCommand.config),
  validate: Flags.of(ValidateCommand.config),
  teardown: Flags.of(TeardownCommand.config),
  schema: [],
  agamemnon: Flags.of(AgamemnonCommand.config)
}

const footer = HelpDoc.blocks([
  HelpDoc.h1("EXIT CODES"),
  ...ExitCode.meanings.map(([code, meaning]) => HelpDoc.p(`${code.padEnd(10)}${meaning}`)),
  HelpDoc.h1("SETTINGS"),
  HelpDoc.p("Environment variables, also read from .env; a flag wins over the environment, the environment over .env."),
  ...Settings.all.map(({ description, fallback, name }) => HelpDoc.p(`${name.padEnd(34)}${description} (${fallback})`))
])

const root = Command.make("telemachy").pipe(
  Command.withDescription("Run multi-agent workflows on Agamemnon, notice when it dies, leave nothing behind"),
  Command.withSubcommands(commands)
)

const parse = Command.run(root, { name: manifest.name, version: manifest.version, executable: "telemachy", footer })

/**
 * Runs the command that the arguments name and succeeds with its exit code,
 * having said what went wrong. Interrupting it cancels the command.
 */
export const main = (argv: ReadonlyArray<string>) =>
  Either.match(Argv.normalize(argv, flags), {
    onLeft: (message) => Effect.as(Console.error(message), ExitCode.invalid),
    onRight: (normalized) =>
      parse(["node", "telemachy", ...normalized]).pipe(
        Effect.as(0),
        Effect.catchAllCause((cause) => {
          if (Cause.isInterruptedOnly(cause)) return Effect.interrupt
          const { code, message } = Failure.fromCause(cause, argv.includes("--verbose") || argv.includes("-v"))
          return Effect.as(message === "" ? Effect.void : Console.error(message), code)
        })
      )
  })
