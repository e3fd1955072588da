/** Restate with its own log on disk: a workflow whose tasks are steps in this process, which its server calls over HTTP. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { createRequire } from "node:module"
import { createServer } from "node:net"
import * as restate from "@restatedev/restate-sdk"
import { serve, shaped } from "./Serve.mjs"

const [directory] = process.argv.slice(2)

// Its SDK uses what Node 20 does not have yet.
Promise.withResolvers ??= () => {
  const settle = {}
  const promise = new Promise((resolve, reject) => Object.assign(settle, { resolve, reject }))
  return { promise, ...settle }
}

const freePort = async () => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address()
  server.close()
  await once(server, "close")
  return port
}

const service = restate.service({
  name: "bench",
  handlers: {
    run: (context, { count, shape }) =>
      shaped(shape, count, (number) => context.run(`task ${number}`, () => "done"), restate.RestatePromise.all.bind(restate.RestatePromise))
  }
})

const [services, ingress, admin, node] = await Promise.all([freePort(), freePort(), freePort(), freePort()])
const endpoint = restate.endpoint().bind(service)
endpoint.setLogger(() => {})
await endpoint.listen(services)

// The program itself: its script would not end it when this process is killed.
const program = createRequire(import.meta.url).resolve(`@restatedev/restate-server-${process.platform}-${process.arch}/bin/restate-server`)
const server = spawn(program, ["--base-dir", directory], {
  stdio: ["ignore", "ignore", "ignore"],
  env: {
    PATH: process.env.PATH,
    DO_NOT_TRACK: "1",
    RESTATE_DISABLE_TELEMETRY: "true",
    RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
    RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
    RESTATE_BIND_ADDRESS: `127.0.0.1:${node}`,
    RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${node}`,
    RESTATE_LOG_FILTER: "error"
  }
})

const post = async (port, path, body) => {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body)
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${answer.status} ${text}`)
  return text
}

/** Tries again until the server answers, for a minute. */
const patiently = async (use) => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await use()
    } catch (failure) {
      if (attempt === 240) throw failure
      await new Promise((resume) => setTimeout(resume, 250))
    }
  }
}

/** Ends the server, and waits for that. */
const stop = async () => {
  const isOver = () => server.exitCode !== null || server.signalCode !== null
  const limit = setTimeout(() => server.kill("SIGKILL"), 5000)
  server.kill("SIGTERM")
  if (!isOver()) await once(server, "exit")
  clearTimeout(limit)
  process.exit()
}

process.once("SIGTERM", stop)
// That comes also when the process is killed that asks.
process.stdin.once("close", stop)

try {
  await patiently(() => post(admin, "/deployments", { uri: `http://127.0.0.1:${services}`, force: true }))
  await patiently(() => post(ingress, "/bench/run", { shape: "chain", count: 1 }))
  await serve((shape, count) => post(ingress, "/bench/run", { shape, count }))
} finally {
  await stop()
}
