/**
 * Hosts on a bridge, each in a network namespace of its own, between which
 * packets can be dropped. `scripts/network.sh` gives them a network that ends
 * with the tests.
 */
import { execFileSync } from "node:child_process"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** Which packets between a host and an address are dropped: all, those that come from it, or those that go to it. */
export type Direction = "both" | "in" | "out"

/** A host of the network. */
export interface Host {
  readonly name: string
  readonly address: string
  /** What begins a command that only has its network, and outlives who starts it. */
  readonly inside: readonly ["ip", "netns", "exec", string]
  /** What begins a command that is to run there. Its processes see none of those elsewhere. */
  readonly command: (file: string, ...args: ReadonlyArray<string>) => readonly [string, ...ReadonlyArray<string>]
  /** Drops packets from now on, silently, between it and some other host. */
  readonly cutOff: (from: Pick<Host, "address">, direction?: Direction) => Effect.Effect<void>
  /** Takes its cable out, as when its power fails. */
  readonly unplug: Effect.Effect<void>
  /** Has it answer to the address of a host that is unplugged, as what moves an address to another machine does. */
  readonly takeAddressOf: (other: Host) => Effect.Effect<void>
  /** Drops no packets any more, and its cable is in. */
  readonly heal: Effect.Effect<void>
}

// As in scripts/network.sh.
const subnet = "10.77.0"
const bridge = "lan"

/** The address of this process on the bridge. */
export const own = `${subnet}.1`

const ip = (words: string) => execFileSync("ip", words.split(" "), { stdio: ["ignore", "ignore", "pipe"] })

/** Set where hosts can be made, and nothing else is on the network. */
const isApart = Config.withDefault(Config.boolean("TELEMACHY_TEST_NETWORK"), false)

/** What gives a process a namespace of processes and a name of its host, which is the next argument. */
const apart = [
  "unshare",
  "--pid",
  "--uts",
  "--fork",
  "--mount-proc",
  "--kill-child",
  "sh",
  "-c",
  "hostname \"$0\" && exec \"$@\""
] as const

let hosts = 1

/** Adds a host to the network. It ends with the scope. */
export const makeHost = Effect.fn("HostNetwork.makeHost")(function*(name: string): Effect.fn.Return<Host, never, Scope.Scope> {
  if (!(yield* Effect.orDie(isApart))) return yield* Effect.dieMessage("hosts are only made in a network of their own: scripts/network.sh COMMAND")
  hosts += 1
  const number = hosts
  const namespace = `h${number}`
  const address = `${subnet}.${number}`
  const inside = ["ip", "netns", "exec", namespace] as const
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      ip(`netns add ${namespace}`)
      ip(`link add ${namespace} type veth peer name lan0 netns ${namespace}`)
      ip(`link set ${namespace} master ${bridge} up`)
      ip(`-n ${namespace} addr add ${address}/24 dev lan0`)
      ip(`-n ${namespace} link set lan0 up`)
      ip(`-n ${namespace} link set lo up`)
    }),
    () => Effect.sync(() => ip(`netns del ${namespace}`))
  )
  const filter = (rules: string) =>
    Effect.sync(() => execFileSync("ip", [...inside.slice(1), "nft", "-f", "-"], { input: rules, stdio: ["pipe", "ignore", "pipe"] }))
  const chains = (incoming: string, outgoing: string) =>
    filter(`table inet cut {
      chain incoming { type filter hook input priority 0; ${incoming} }
      chain outgoing { type filter hook output priority 0; ${outgoing} }
    }`)
  return {
    name,
    address,
    inside,
    command: (file, ...args) => [...inside, ...apart, name, file, ...args],
    cutOff: (from, direction = "both") =>
      chains(
        direction === "out" ? "" : `ip saddr ${from.address} drop;`,
        direction === "in" ? "" : `ip daddr ${from.address} drop;`
      ),
    unplug: Effect.sync(() => ip(`link set ${namespace} nomaster`)),
    takeAddressOf: (other) =>
      Effect.sync(() => {
        const [, , , from] = other.inside
        // The others know the address by that of its card.
        const [card = ""] = /(?:[0-9a-f]{2}:){5}[0-9a-f]{2}/.exec(execFileSync("ip", ["-n", from, "link", "show", "lan0"], { encoding: "utf8" })) ?? []
        ip(`-n ${namespace} link set lan0 address ${card}`)
        ip(`-n ${namespace} addr add ${other.address}/24 dev lan0`)
      }),
    heal: Effect.zipRight(filter("table inet cut {}; delete table inet cut;"), Effect.sync(() => ip(`link set ${namespace} master ${bridge}`)))
  }
})
