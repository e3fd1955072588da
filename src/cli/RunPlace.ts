/**
 * Where commands find recorded runs: in the database of the settings, or at a
 * server, where the settings name one. The commands are the same.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Settings from "../settings/Settings.ts"
import * as RunReader from "../store/RunReader.ts"
import * as SqlRunStore from "../store/SqlRunStore.ts"
import type * as LocalRuns from "./LocalRuns.ts"
import { RunOperations } from "./RunOperations.ts"

/** A flag is about what a server does not do, and one is asked. */
export class ServerFlagError extends Schema.TaggedError<ServerFlagError>()("ServerFlagError", {
  flag: Schema.String,
  server: Schema.String
}) {
  override get message(): string {
    return `${this.flag} is for what is done on this machine, and the server ${this.server} is asked: leave it out, or ` +
      `name no server (--server, ${Settings.serverUrl.name})`
  }
}

/** Flags that a server has no use for, by their names, and whether each is given. */
export type LocalFlags = Readonly<Record<string, boolean>>

/** The address of the server that is asked, if one is; fails when flags are given that it has no use for. */
export const server = Effect.fnUntraced(function*(flags: LocalFlags) {
  const server = yield* Settings.serverUrl.config
  const flag = Object.keys(flags).find((name) => flags[name] === true)
  if (Option.isSome(server) && flag !== undefined) return yield* new ServerFlagError({ flag, server: server.value })
  return server
})

/** One of two layers of the same. */
const choose = <A, E1, R1, E2, R2>(
  server: Option.Option<string>,
  { atServer, here }: { readonly atServer: Layer.Layer<A, E1, R1>; readonly here: Layer.Layer<A, E2, R2> }
): Layer.Layer<A, E1 | E2, R1 | R2> => Option.isSome(server) ? atServer : here

const readerAtServer = Layer.unwrapEffect(Effect.map(Effect.promise(() => import("./ServerAccess.ts")), ({ reader }) => reader))

/** Layer of what reads runs. */
export const layerReader = Layer.unwrapEffect(Effect.map(server({}), (server) =>
  choose(server, { atServer: readerAtServer, here: Layer.provide(RunReader.layer, SqlRunStore.layerConfig()) })))

const operationsAtServer = Layer.unwrapEffect(Effect.map(Effect.promise(() => import("./ServerAccess.ts")), ({ operations }) => operations))

/** Layer of what reads runs that are in the database, and does something to them. */
export const layerLocal = (flags: LocalRuns.Flags) =>
  Layer.unwrapEffect(Effect.map(Effect.promise(() => import("./LocalRuns.ts")), ({ make }) =>
    Layer.merge(Layer.effect(RunOperations, Effect.map(make(flags), RunOperations.of)), RunReader.layer)))

/** Layer of both. */
export const layer = (flags: LocalRuns.Flags, localFlags: LocalFlags = {}) =>
  Layer.unwrapEffect(Effect.map(server({ "--url": Option.isSome(flags.url), ...localFlags }), (server) =>
    choose(server, {
      atServer: operationsAtServer,
      here: Layer.provide(layerLocal(flags), SqlRunStore.layerConfig())
    })))
