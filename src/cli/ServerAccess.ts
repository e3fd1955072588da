/** The layers of a server that is asked: loaded when one is. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ServerConnection from "../server/ServerConnection.ts"
import * as ServerRunReader from "../server/ServerRunReader.ts"
import { RunOperations } from "./RunOperations.ts"
import * as ServerRuns from "./ServerRuns.ts"

/** Layer of the connection. */
export const connection = Layer.provide(ServerConnection.layer, NodeHttpClient.layer)

/** Layer of what reads its runs. */
export const reader = Layer.provide(ServerRunReader.layer, connection)

/** Layer of the connection, of what reads its runs, and of what does something to them. */
export const operations = Layer.effect(RunOperations, Effect.map(ServerRuns.make, RunOperations.of)).pipe(
  Layer.provideMerge(ServerRunReader.layer),
  Layer.provideMerge(connection)
)
