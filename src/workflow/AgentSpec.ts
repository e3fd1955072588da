/** The declaration of an agent. */
import * as Schema from "effect/Schema"
import { AgentLimits } from "./AgentLimits.ts"
import * as SchemaProblems from "./SchemaProblems.ts"
import * as Secrets from "./Secrets.ts"
import { optional, optionalText, StalledAfter } from "./SpecFields.ts"
import { maxBytes, Model, NonBlank, nonBlank, templateOfAtMost, textOfAtMost } from "./WorkflowText.ts"
import * as WorkspaceMode from "./WorkspaceMode.ts"

const Cpus = Schema.Number.pipe(
  Schema.filter((cpus) => Number.isSafeInteger(cpus) && cpus > 0, {
    jsonSchema: { minimum: 1, multipleOf: 1 },
    arbitrary: () => (fc) => fc.integer({ min: 1, max: 64 }),
    ...SchemaProblems.expects("a whole number greater than 0")
  })
)

/** More arguments than anybody writes. */
const mostArguments = 100

const Argument = templateOfAtMost(maxBytes.argument).pipe(
  Schema.filter((argument) => !argument.includes("\0"), { jsonSchema: {}, ...SchemaProblems.expects("text", "text without the character NUL") })
)

/**
 * Schema of an agent: a worker that Agamemnon runs for the workflow.
 *
 * **Example** (The programs of a workflow)
 *
 * ```ts
 * import type { WorkflowSpec } from "telemachy"
 *
 * export const programOf = ({ name, program }: WorkflowSpec.AgentSpec) => `${name}: ${program}`
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const AgentSpec = Schema.Struct({
  name: nonBlank(textOfAtMost(256)).annotations({
    description: "Name of the agent, unique in the workflow. At most 256 bytes.",
    examples: ["implementer"]
  }),
  program: Schema.optionalWith(
    nonBlank(templateOfAtMost(1024)).annotations({
      description: "Program that the agent runs. `none` completes every task at once. At most 1024 bytes.",
      examples: ["claude-code", "none", "sh"],
      default: "claude-code"
    }),
    { default: () => "claude-code" }
  ),
  model: optionalText({
    description: "Model that the program is told to use, sent as two program arguments, `--model` and the model."
  }, Model),
  workingDir: Schema.optionalWith(
    NonBlank.annotations({
      description: "Directory in which the program runs. A relative one is beside the workflow file, or in the current directory " +
        "when the workflow is on standard input; one that is missing is made when the directory that it is in is there. An Agamemnon " +
        "that is named gets it as it is written.",
      default: "/tmp"
    }),
    { default: () => "/tmp" }
  ).pipe(Schema.fromKey("working_dir")),
  runtime: Schema.optionalWith(
    Schema.Literal("local", "docker").annotations({
      description: "Where the program runs: as a process of the host, or in a container made from `docker_image`.",
      default: "local"
    }),
    { default: () => "local" as const }
  ),
  dockerImage: optionalText({
    description: "Image of the container. Required when `runtime` is `docker`."
  }).pipe(Schema.fromKey("docker_image")),
  cpus: Schema.optionalWith(
    Cpus.annotations({ description: "Number of CPUs of the container.", default: 2 }),
    { default: () => 2 }
  ),
  memory: Schema.optionalWith(
    NonBlank.annotations({ description: "Memory of the container.", examples: ["512m", "4g"], default: "4g" }),
    { default: () => "4g" }
  ),
  env: Schema.optionalWith(
    Secrets.Environment.annotations({
      description: "Variables in the environment of the program, by name, on the embedded Agamemnon. Here alone, `${{ secrets.NAME }}` " +
        "can be read.",
      examples: [{ GH_TOKEN: "${{ secrets.GITHUB_TOKEN }}", LOG_LEVEL: "debug" }]
    }),
    { exact: true }
  ),
  args: Schema.optionalWith(
    Schema.Array(Argument).pipe(
      Schema.filter((args) => args.length <= mostArguments, {
        jsonSchema: { maxItems: mostArguments },
        ...SchemaProblems.expects("a list of texts", `a list of at most ${mostArguments} texts`)
      })
    ).annotations({
      description: "Arguments that the program is given, before those of `model`.",
      examples: [["--permission-mode", "acceptEdits"]]
    }),
    { exact: true }
  ),
  system: optional(nonBlank(templateOfAtMost(maxBytes.system)).annotations({
    description: "Instructions that are put before the description of each task of the agent. At most 2048 bytes."
  })),
  session: Schema.optionalWith(
    Schema.Literal("fresh", "keep").annotations({
      description: "Whether each task has a session of its own, or the next goes on with the session of the one before, on the embedded " +
        "Agamemnon and where the program can. Absent: fresh.",
      ...SchemaProblems.expects("fresh or keep")
    }),
    { exact: true }
  ),
  workspace: optional(WorkspaceMode.WorkspaceMode.annotations({
    description: "Where the agent works, on the embedded Agamemnon: in `working_dir`, which others may work in as well; in a git " +
      "worktree of its own, with a branch of its own; or in an empty directory.",
    default: "shared"
  })),
  base: optional(WorkspaceMode.Base.annotations({
    description: "Commit, branch or tag that the worktree is made from. Absent: the commit that `working_dir` was at when the run began."
  })),
  limits: Schema.optionalWith(
    AgentLimits.annotations({
      description: "What the processes of its program may take of the machine, on the embedded Agamemnon: held by the control groups of " +
        "Linux where the user may, or else by prlimit, as far as that can.",
      examples: [{ memory: 4 * 1024 ** 3, cpu: 2, processes: 500 }]
    }),
    { exact: true }
  ),
  stalledAfter: StalledAfter
}).annotations({ identifier: "AgentSpec", description: "An agent: a worker that Agamemnon runs for the workflow." })
export interface AgentSpec extends Schema.Schema.Type<typeof AgentSpec> {}
