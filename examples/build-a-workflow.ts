/** An application that makes a workflow in TypeScript, runs it, and reads what its tasks have answered. */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Console, Effect, Layer, Option } from "effect"
import { AgamemnonClient, EmbeddedAgamemnon, WorkflowBuilder, WorkflowExecutor, WorkflowExpression } from "telemachy"

const Agamemnon = Layer.unwrapEffect(Effect.map(EmbeddedAgamemnon.EmbeddedAgamemnon, AgamemnonClient.layer)).pipe(
  Layer.provide([EmbeddedAgamemnon.layer(), NodeHttpClient.layer])
)

// #region builder
const inputs = WorkflowBuilder.inputs({ goal: { description: "What is to be done", default: "Say hello" } })

const architect = WorkflowBuilder.agent("architect", { program: "sh", env: { GOAL: inputs.input("goal") } })
const coder = WorkflowBuilder.agent("coder", { program: "none" })
const core = WorkflowBuilder.team("core", [architect, coder])

const plan = core.task("plan", {
  description: "echo \"summary=$GOAL\" >> \"$TELEMACHY_OUTPUT\"; echo 'files=[\"hello.txt\"]' >> \"$TELEMACHY_OUTPUT\"",
  assignTo: architect,
  outputs: { files: "list", summary: "string" }
})
const implement = core.task("implement", {
  description: WorkflowExpression.text`${plan.output("summary")} in ${WorkflowExpression.join(plan.output("files"), ", ")}.`,
  assignTo: coder,
  blockedBy: [plan],
  condition: WorkflowExpression.expression`${plan.output("summary")} != ${""}`
})

const workflow = WorkflowBuilder.make("built", { tasks: [implement], inputs, teardown: "always", timeout: "1 minute" })

/** Runs the workflow, and finds what the plan has answered, with the types that it declares. */
const planned = Effect.gen(function*() {
  const result = yield* WorkflowExecutor.execute(yield* WorkflowBuilder.build(workflow), { inputs: { goal: "Say χαῖρε" } })
  return WorkflowBuilder.outputsOf(result, plan)
})
// #endregion

export const program = Effect.gen(function*() {
  yield* Console.log(Option.match(yield* planned, {
    onNone: () => "nothing was planned",
    onSome: ({ files, summary }) => `${summary}: ${files.length} file`
  }))
  yield* Console.log(yield* WorkflowBuilder.toYaml(workflow))
}).pipe(
  Effect.catchTag("TasksFailedError", (error) => Console.error(error.message)),
  Effect.provide([WorkflowExecutor.layer().pipe(Layer.provide(Agamemnon)), NodeContext.layer])
)
