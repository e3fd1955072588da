/** NATS servers for tests: processes of their own on loopback, or one that the environment names. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createConnection, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connect } from "@nats-io/transport-node"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type { Task } from "../../src/agamemnon/AgamemnonModel.ts"
import { eventually } from "./HttpQuestion.ts"

const given = Effect.runSync(Config.option(Config.redacted("TELEMACHY_TEST_NATS_URL")))

const hasBinary = spawnSync("nats-server", ["--version"]).status === 0

/** Whether servers can be started here. */
export const isMissing = !hasBinary

/** Says in the name of tests that they are left out without servers. */
export const named = (name: string) => (isMissing ? `${name} (left out: there is no nats-server in PATH)` : name)

/** Whether there is no server at all. */
export const isAnyMissing = isMissing && Option.isNone(given)

/** Says in the name of tests that they are left out without any server. */
export const namedAny = (name: string) =>
  isAnyMissing ? `${name} (left out: TELEMACHY_TEST_NATS_URL is not set, and there is no nats-server in PATH)` : name

const freePort = Effect.async<number>((resume) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const address = server.address()
    server.close(() => resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0)))
  })
})

const greets = (port: number) =>
  Effect.async<boolean>((resume) => {
    const socket = createConnection({ port, host: "127.0.0.1" })
    socket.once("data", () => resume(Effect.succeed(true)))
    socket.once("error", () => resume(Effect.succeed(false)))
    return Effect.sync(() => socket.destroy())
  }).pipe(Effect.scoped, Effect.timeoutTo({ duration: "1 second", onTimeout: () => false, onSuccess: (yes) => yes }))

/** A folder that is gone with the scope. */
export const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "telemachy-nats-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** Writes a file in a folder, and answers its path. */
export const write = (path: string, name: string, text: string) => {
  writeFileSync(join(path, name), text)
  return join(path, name)
}

/** Makes a server, with JetStream unless told not to, on a port that stays the same; it is started and stopped by the test. */
export const make = Effect.fnUntraced(function*(configuration: string = "", { jetStream = true } = {}) {
  const path = yield* folder
  const port = yield* freePort
  const file = write(path, "server.conf", `listen: "127.0.0.1:${port}"\n${configuration}`)
  let running: ChildProcess | undefined
  const signal = (name: NodeJS.Signals) => Effect.sync(() => running?.kill(name))
  const stop = Effect.zipRight(
    signal("SIGKILL"),
    eventually(Effect.sync(() => running), (child) => child === undefined || child.signalCode !== null)
  )
  yield* Effect.addFinalizer(() => signal("SIGKILL"))
  return {
    port,
    url: `nats://127.0.0.1:${port}`,
    start: Effect.zipRight(
      Effect.sync(() => {
        running = spawn("nats-server", ["-c", file, ...(jetStream ? ["-js", "-sd", path] : [])], { stdio: "ignore" })
      }),
      eventually(greets(port), (yes) => yes)
    ),
    stop,
    /** Lets it stand still: it keeps its connections, and takes new ones. */
    freeze: signal("SIGSTOP"),
    thaw: signal("SIGCONT")
  }
})

/** The address of a server that answers and is not to be stopped. */
export const url = Effect.gen(function*() {
  if (Option.isSome(given)) return Redacted.value(given.value)
  const server = yield* make()
  yield* server.start
  return server.url
})

const Json = Schema.parseJson()

/** Publishes as Agamemnon and its workers do. */
export const publisher = Effect.fnUntraced(function*(address: string) {
  const { host, password, username } = new URL(address)
  const settings = { servers: host, maxReconnectAttempts: -1, reconnectTimeWait: 50 }
  const client = yield* Effect.acquireRelease(
    Effect.promise(() => connect(username === "" ? settings : { ...settings, user: username, pass: password })),
    (client) => Effect.promise(() => client.close())
  )
  /** Publishes with a subject for the acknowledgement of JetStream, which Agamemnon asks for; again if the connection breaks. */
  const publish = (subject: string, payload: unknown) =>
    Effect.tryPromise(async () => {
      const text = typeof payload === "string" ? payload : Schema.encodeSync(Json)(payload)
      client.publish(subject, text, { reply: `_INBOX.${subject.length}` })
      await client.flush()
    }).pipe(Effect.retry(Schedule.upTo(Schedule.spaced("50 millis"), "1 minute")), Effect.orDie)
  return {
    publish,
    /** What Agamemnon says of a task that was changed. */
    updated: (task: Task) => publish(`hi.tasks.${task.teamId}.${task.id}.updated`, { task }),
    /** What a worker says of a task that it has ended. */
    ended: (task: Task, what: "completed" | "failed" = "completed") =>
      publish(`hi.tasks.${task.teamId}.${task.id}.${what}`, { task_id: task.id })
  }
})

export type Publisher = Effect.Effect.Success<ReturnType<typeof publisher>>

/** Answers every connection with the same words, and the address of that. */
export const talker = (words: string) =>
  Effect.acquireRelease(
    Effect.async<ReturnType<typeof createServer>>((resume) => {
      const server = createServer((socket) => {
        socket.on("error", () => undefined)
        socket.write(words)
      }).listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  ).pipe(Effect.map((server) => {
    const address = server.address()
    return `nats://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`
  }))

/** Hears what is published, as subjects with payloads. */
export const listener = Effect.fnUntraced(function*(address: string, subject: string) {
  const client = yield* Effect.acquireRelease(
    Effect.promise(() => connect({ servers: new URL(address).host })),
    (client) => Effect.promise(() => client.close())
  )
  const heard: Array<{ readonly subject: string; readonly payload: string }> = []
  client.subscribe(subject, {
    callback: (_, message) => {
      heard.push({ subject: message.subject, payload: message.string() })
    }
  })
  yield* Effect.promise(() => client.flush())
  return heard
})

const Order = Schema.parseJson(Schema.Struct({ task_id: Schema.String, team_id: Schema.String }))

/**
 * Does every task that Agamemnon publishes, as a worker that knows nothing but
 * NATS. What it does for each is `work`, during which it goes on saying that it
 * has begun.
 */
export const worker = Effect.fnUntraced(function*(address: string, work: Effect.Effect<void> = Effect.void) {
  const client = yield* Effect.acquireRelease(
    Effect.promise(() => connect({ servers: new URL(address).host })),
    (client) => Effect.promise(() => client.close())
  )
  const fork = yield* FiberSet.makeRuntime<never>()
  client.subscribe("hi.myrmidon.general.*", {
    callback: (_, message) => {
      const { task_id, team_id } = Schema.decodeSync(Order)(message.string())
      const say = (what: string) =>
        Effect.sync(() => client.publish(`hi.tasks.${team_id}.${task_id}.${what}`, Schema.encodeSync(Json)({ task_id })))
      const begun = Effect.forever(Effect.delay(say("started"), "100 millis"))
      fork(say("started").pipe(Effect.zipRight(Effect.raceFirst(work, begun)), Effect.zipRight(say("completed"))))
    }
  })
  yield* Effect.promise(() => client.flush())
})
