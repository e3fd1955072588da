/** Prints what this process knows of the life of another, by its number and its start. */
import * as Effect from "effect/Effect"
import * as OwnerProcess from "../../src/store/OwnerProcess.ts"

const [pid = "0", started = ""] = process.argv.slice(2)

const { identity, lifeOf } = OwnerProcess.make()

process.stdout.write(Effect.runSync(lifeOf({ host: identity.host, pid: Number(pid), started })))
