/** The command line: its commands, and what each way to end means for the exit code. */
import * as Command from "@effect/cli/Command"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import manifest from "../../package.json" with { type: "json" }
import { printable } from "../report/Format.ts"
import type { Style } from "../report/Style.ts"
import * as Settings from "../settings/Settings.ts"
import * as CommandLine from "./CommandLine.ts"
import * as Completion from "./completion/Completion.ts"
import * as AgamemnonDefinition from "./definition/AgamemnonDefinition.ts"
import * as ApproveDefinition from "./definition/ApproveDefinition.ts"
import * as AuditDefinition from "./definition/AuditDefinition.ts"
import * as CancelDefinition from "./definition/CancelDefinition.ts"
import * as CleanupDefinition from "./definition/CleanupDefinition.ts"
import * as CostsDefinition from "./definition/CostsDefinition.ts"
import * as DoctorDefinition from "./definition/DoctorDefinition.ts"
import * as DrillDefinition from "./definition/DrillDefinition.ts"
import * as ForgetDefinition from "./definition/ForgetDefinition.ts"
import * as InitDefinition from "./definition/InitDefinition.ts"
import * as ListDefinition from "./definition/ListDefinition.ts"
import * as LogsDefinition from "./definition/LogsDefinition.ts"
import * as McpDefinition from "./definition/McpDefinition.ts"
import * as PlanDefinition from "./definition/PlanDefinition.ts"
import * as RejectDefinition from "./definition/RejectDefinition.ts"
import * as ResumeDefinition from "./definition/ResumeDefinition.ts"
import * as RunDefinition from "./definition/RunDefinition.ts"
import * as RunnersDefinition from "./definition/RunnersDefinition.ts"
import * as ScheduleDefinition from "./definition/ScheduleDefinition.ts"
import * as SchemaDefinition from "./definition/SchemaDefinition.ts"
import * as ServeDefinition from "./definition/ServeDefinition.ts"
import * as StatusDefinition from "./definition/StatusDefinition.ts"
import * as SubmitDefinition from "./definition/SubmitDefinition.ts"
import * as TeardownDefinition from "./definition/TeardownDefinition.ts"
import * as ValidateDefinition from "./definition/ValidateDefinition.ts"
import * as ExitCode from "./ExitCode.ts"
import * as Failure from "./Failure.ts"
import * as Help from "./Help.ts"
import * as Streams from "./Streams.ts"

/** The help of each command, by its name. */
export const definitions = {
  init: InitDefinition.definition,
  run: RunDefinition.definition,
  plan: PlanDefinition.definition,
  validate: ValidateDefinition.definition,
  list: ListDefinition.definition,
  status: StatusDefinition.definition,
  logs: LogsDefinition.definition,
  costs: CostsDefinition.definition,
  approve: ApproveDefinition.definition,
  reject: RejectDefinition.definition,
  cancel: CancelDefinition.definition,
  resume: ResumeDefinition.definition,
  cleanup: CleanupDefinition.definition,
  forget: ForgetDefinition.definition,
  audit: AuditDefinition.definition,
  teardown: TeardownDefinition.definition,
  serve: ServeDefinition.definition,
  submit: SubmitDefinition.definition,
  schedule: ScheduleDefinition.definition,
  runners: RunnersDefinition.definition,
  doctor: DoctorDefinition.definition,
  drill: DrillDefinition.definition,
  mcp: McpDefinition.definition,
  schema: SchemaDefinition.definition,
  agamemnon: AgamemnonDefinition.definition
}

const sentence = "Run multi-agent workflows on Agamemnon, notice when it dies, leave nothing behind."

const overview = (style: Style) =>
  Help.overview(sentence, definitions, {
    "EXIT CODES": ExitCode.meanings,
    "SETTINGS (a flag wins over the environment, the environment over .env, .env over the default)": Settings.all.map(
      ({ description, fallback, name }): Help.Row => [name, `${description} (${fallback})`]
    )
  }, style)

const root = Command.make("telemachy").pipe(Command.withDescription(sentence))

const names = { name: manifest.name, version: manifest.version, executable: "telemachy" }

const parse = (argv: ReadonlyArray<string>) => ["node", "telemachy", ...argv]

/** Loads each command when it is asked for, by its name: most of them need more than the rest of the program. */
const commands = {
  init: () => import("./command/InitCommand.ts"),
  run: () => import("./command/RunCommand.ts"),
  plan: () => import("./command/PlanCommand.ts"),
  validate: () => import("./command/ValidateCommand.ts"),
  list: () => import("./command/ListCommand.ts"),
  status: () => import("./command/StatusCommand.ts"),
  logs: () => import("./command/LogsCommand.ts"),
  costs: () => import("./command/CostsCommand.ts"),
  approve: () => import("./command/ApproveCommand.ts"),
  reject: () => import("./command/RejectCommand.ts"),
  cancel: () => import("./command/CancelCommand.ts"),
  resume: () => import("./command/ResumeCommand.ts"),
  cleanup: () => import("./command/CleanupCommand.ts"),
  forget: () => import("./command/ForgetCommand.ts"),
  audit: () => import("./command/AuditCommand.ts"),
  teardown: () => import("./command/TeardownCommand.ts"),
  serve: () => import("./command/ServeCommand.ts"),
  submit: () => import("./command/SubmitCommand.ts"),
  schedule: () => import("./command/ScheduleCommand.ts"),
  runners: () => import("./command/RunnersCommand.ts"),
  doctor: () => import("./command/DoctorCommand.ts"),
  drill: () => import("./command/DrillCommand.ts"),
  mcp: () => import("./command/McpCommand.ts"),
  schema: () => import("./command/SchemaCommand.ts"),
  agamemnon: () => import("./command/AgamemnonCommand.ts")
} satisfies Record<keyof typeof definitions, unknown>

const load = (name: string) => Promise.all(Object.entries(commands).filter(([each]) => each === name).map(([, each]) => each()))

const execute = (argv: ReadonlyArray<string>) =>
  Effect.flatMap(Effect.promise(() => load(argv[0] ?? "")), Arr.match({
    onEmpty: () => Effect.void,
    onNonEmpty: (loaded) =>
      Command.run(Command.withSubcommands(root, Arr.map(loaded, ({ command }) => command)), names)(parse(argv))
  }))

/**
 * Runs the command that the arguments name and succeeds with its exit code,
 * having said what went wrong. Interrupting it cancels the command.
 */
export const main = (argv: ReadonlyArray<string>) =>
  Effect.catchAllCause(runRequest(argv), (cause) => {
    if (Cause.isInterruptedOnly(cause)) return Effect.interrupt
    const { code, message } = Failure.fromCause(cause, {
      command: argv[0] ?? "",
      verbose: argv.includes("--verbose") || argv.includes("-v")
    })
    return Effect.as(message === "" ? Effect.void : Console.error(printable(message)), code)
  }).pipe(
    Effect.provide(Layer.mergeAll(NodeFileSystem.layer, NodePath.layer, NodeTerminal.layer)),
    // Nobody records spans, unless a command says where they are sent.
    Effect.withTracerEnabled(false)
  )

const runRequest = Effect.fn("Cli.main")(function*(argv: ReadonlyArray<string>) {
  const request = CommandLine.read(argv, definitions)
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
    case "Version":
      return yield* Effect.as(Console.log(manifest.version), 0)
    case "Completions":
      return yield* Effect.as(Console.log(Completion.render(request.shell, definitions).trimEnd()), 0)
    case "Run":
      return yield* Effect.as(execute(request.argv), 0)
  }
})
