import type { Socket } from "node:net"
import { scheduler } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Connections from "../../src/agamemnon/Connections.ts"
import { teamId } from "../support/ClientOperations.ts"
import { eventually } from "../support/HttpQuestion.ts"
import { answer, client, https, nothing, tcp } from "../support/RawServer.ts"
import * as SelfSigned from "../support/SelfSigned.ts"

const body = JSON.stringify({ ...nothing.agents, team: { id: "t" } })

// HTTP/1.1 without a word about the connection, which therefore seems to be kept.
const wordless = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`

const secure = Effect.gen(function*() {
  const certificate = SelfSigned.make()
  const sockets = new Set<Socket>()
  let forgets = false
  const server = yield* https(certificate, (response, received, index) => {
    const { socket } = response
    const isKnown = socket !== null && sockets.has(socket)
    if (socket !== null) sockets.add(socket)
    // What something on the way has forgotten is never answered.
    if (!(forgets && isKnown)) answer(200, body)(response, received, index)
  })
  const forget = () => {
    forgets = true
  }
  return { ca: certificate.cert, forget, server }
})

describe("Connections", () => {
  it.scopedLive("that were asked to close are not used again, whatever the server says of them", () =>
    Effect.gen(function*() {
      const requests: Array<number> = []
      const server = yield* tcp((socket) => {
        const index = requests.push(0) - 1
        socket.on("data", () => {
          requests[index] = (requests[index] ?? 0) + 1
          if (requests[index] === 1) socket.write(wordless)
        })
      })
      const { hasTeam, ping } = yield* client({ url: server.url, requestTimeout: "10 seconds" })
      for (let round = 0; round < 4; round += 1) {
        assert.isTrue(yield* hasTeam(teamId))
        yield* ping
      }
      assert.deepStrictEqual(requests, [1, 1, 1, 1, 1, 1, 1, 1])
      yield* eventually(server.open, (open) => open === 0)
    }))

  it.scopedLive("end with an answer that changes to another protocol, which is one", () =>
    Effect.gen(function*() {
      const server = yield* tcp((socket) => {
        socket.on("data", () => socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n"))
      })
      const { hasTeam, ping } = yield* client({ url: server.url, pingTimeout: "30 seconds" })
      yield* ping
      assert.strictEqual((yield* Effect.flip(hasTeam(teamId))).status, 101)
      yield* eventually(server.open, (open) => open === 0)
    }))

  it.scopedLive("of pings are their own, so that one that is dead says nothing of the server", () =>
    Effect.gen(function*() {
      const { ca, forget, server } = yield* secure
      const { hasTeam, ping } = yield* client({ url: server.url }, { ca })
      assert.isTrue(yield* hasTeam(teamId))
      yield* ping
      assert.strictEqual(yield* server.connections, 2)
      forget()
      yield* ping
      yield* ping
      assert.strictEqual(yield* server.connections, 4)
      yield* eventually(server.open, (open) => open === 1)
    }))

  it.scopedLive("that are kept are used again, and dropped when nobody has used them for a while", () =>
    Effect.gen(function*() {
      const { ca, server } = yield* secure
      const { hasTeam } = yield* client({ url: server.url }, { ca, timeout: 100 })
      yield* hasTeam(teamId)
      yield* hasTeam(teamId)
      assert.strictEqual(yield* server.connections, 1)
      yield* eventually(server.open, (open) => open === 0)
      yield* hasTeam(teamId)
      assert.strictEqual(yield* server.connections, 2)
      assert.isBelow(Duration.toMillis(Connections.idleTimeout), 5000)
    }))

  it.scopedLive("carry answers that take longer than they would be kept", () =>
    Effect.gen(function*() {
      const certificate = SelfSigned.make()
      const { url } = yield* https(certificate, (...request) => {
        scheduler.wait(150).then(() => answer(200, body)(...request))
      })
      const { hasTeam } = yield* client({ url }, { ca: certificate.cert, timeout: 20 })
      assert.isTrue(yield* hasTeam(teamId))
    }))
})
