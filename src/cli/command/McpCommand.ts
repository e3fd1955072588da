/** `telemachy mcp`: a server of MCP on standard input and output, for agents. */
import * as McpServer from "@effect/ai/McpServer"
import * as Command from "@effect/cli/Command"
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import * as NodeStream from "@effect/platform-node/NodeStream"
import * as RpcServer from "@effect/rpc/RpcServer"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import manifest from "../../../package.json" with { type: "json" }
import * as OwnCommand from "../../drill/OwnCommand.ts"
import * as Race from "../../liveness/Race.ts"
import * as ConfigSources from "../ConfigSources.ts"
import { config, definition } from "../definition/McpDefinition.ts"
import * as ChangeTools from "../mcp/ChangeTools.ts"
import * as JsonRpc from "../mcp/JsonRpc.ts"
import * as McpResources from "../mcp/McpResources.ts"
import * as McpTool from "../mcp/McpTool.ts"
import * as RunTools from "../mcp/RunTools.ts"
import * as WorkflowTools from "../mcp/WorkflowTools.ts"
import * as WritePrompt from "../mcp/WritePrompt.ts"
import { OutputErrors } from "../OutputErrors.ts"
import * as Streams from "../Streams.ts"

const encoder = new TextEncoder()

/** Standard output is for the protocol: what operations have to say to people goes to standard error. */
const onStandardError = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.consoleWith((console) =>
    Effect.withConsole(effect, {
      ...console,
      log: console.error,
      info: console.error,
      unsafe: { ...console.unsafe, log: console.unsafe.error.bind(console.unsafe), info: console.unsafe.error.bind(console.unsafe) }
    }))

/** Serves until the client is gone. */
const serve = Effect.fn("McpCommand.serve")(function*(readOnly: boolean) {
  const { closed } = yield* OutputErrors
  const { ended, notify, protocol } = yield* JsonRpc.make({
    input: NodeStream.stdin,
    write: (line) => Streams.write(process.stdout, encoder.encode(line))
  })
  const looking = [...WorkflowTools.reading, ...RunTools.tools]
  const tools = readOnly ? looking : [...looking, ...WorkflowTools.changing, ...ChangeTools.tools]
  const server = yield* McpTool.serve<FileSystem.FileSystem | Path.Path | OwnCommand.OwnCommand>(tools, notify)
  const serving = Effect.gen(function*() {
    yield* McpResources.register
    yield* WritePrompt.register
    return yield* McpServer.run({ name: manifest.name, version: manifest.version })
  }).pipe(Effect.provideService(McpServer.McpServer, server), Effect.provideService(RpcServer.Protocol, protocol))
  const running = yield* Effect.forkScoped(Effect.interruptible(serving))
  yield* Race.first([ended, closed, Fiber.join(running)])
}, Effect.scoped)

export const command = Command.make("mcp", config, ({ readOnly, ...flags }) =>
  serve(readOnly).pipe(
    onStandardError,
    Effect.provide(OwnCommand.layer),
    Effect.provide(ConfigSources.layer(flags))
  )).pipe(Command.withDescription(definition.sentence))
