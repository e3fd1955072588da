/**
 * The sessions of the page: opened with a key or with a link that serves once,
 * held by a cookie, and kept in memory only, so that they end with the server.
 */
import { createHash, randomBytes } from "node:crypto"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as ApiError from "./ApiError.ts"
import * as ApiKeys from "./ApiKeys.ts"
import type { Role } from "./RunsApi.ts"

/** How long a session lasts. */
export const sessionTime = Duration.hours(12)

/** How long a link can be used. */
export const linkTime = Duration.hours(1)

/** How many sessions there are at most: another one ends the oldest. */
const maxSessions = 100

/** How many links there are at most, of which none was used. */
const maxLinks = 10

/** How many wrong keys and links are looked at in a while. */
const maxFailures = 20
const failureTime = Duration.minutes(1)

/** Who has logged in, as which key, and until when. */
export interface Session {
  readonly role: Role
  readonly name: string
  readonly until: DateTime.Utc
}

/** What somebody logs in with. */
export interface Credential {
  readonly key?: Redacted.Redacted | undefined
  readonly link?: Redacted.Redacted | undefined
}

/** A session that was opened, with what holds it. */
export interface Opened {
  readonly session: Session
  readonly token: Redacted.Redacted
}

/** The sessions of the page. */
export class Sessions extends Context.Tag("telemachy/server/Sessions")<Sessions, {
  /** Makes what a link has in it to log in with: it serves once, for {@link linkTime}. */
  readonly makeLink: Effect.Effect<Redacted.Redacted>
  /** Logs in, or says what is wrong with the key or the link. */
  readonly open: (credential: Credential) => Effect.Effect<Opened, ApiError.UnauthorizedError | ApiError.BusyError>
  /** Whose session it is, if it is one. */
  readonly find: (token: Redacted.Redacted) => Effect.Effect<Session | undefined>
  /** Logs out. */
  readonly close: (token: Redacted.Redacted) => Effect.Effect<void>
}>() {}

const random: Effect.Effect<Redacted.Redacted> = Effect.sync(() => Redacted.make(randomBytes(32).toString("base64url")))

// Found by its digest, a token is compared with none byte by byte.
const digest = (token: Redacted.Redacted): string => createHash("sha256").update(Redacted.value(token)).digest("base64url")

const dropOldest = <A>(all: Map<string, A>, most: number) => {
  for (const name of all.keys()) {
    if (all.size <= most) return
    all.delete(name)
  }
}

const make = (keys: ReadonlyArray<ApiKeys.ApiKey>) => {
  const find = ApiKeys.finder(keys)
  const sessions = new Map<string, Session>()
  const links = new Map<string, DateTime.Utc>()
  let failures: ReadonlyArray<number> = []

  const failing = (message: string) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      failures = [...failures, now]
      return new ApiError.UnauthorizedError({ message })
    })

  /** The key that a credential stands for. */
  const keyOf = Effect.fnUntraced(function*({ key, link }: Credential) {
    if (key !== undefined) {
      return find(key) ?? (yield* failing("this key is not known: the keys of the API are in the file that telemachy serve names at its first start"))
    }
    const name = link === undefined ? "" : digest(link)
    const until = links.get(name)
    links.delete(name)
    const isValid = until !== undefined && DateTime.lessThan(yield* DateTime.now, until)
    const owner = keys.find(({ role }) => role === "operate") ?? keys[0]
    return isValid && owner !== undefined
      ? owner
      : yield* failing("this link was used or is too old: log in with a key, or with the link of a new start of telemachy serve")
  })

  return Sessions.of({
    makeLink: Effect.gen(function*() {
      const token = yield* random
      links.set(digest(token), DateTime.addDuration(yield* DateTime.now, linkTime))
      dropOldest(links, maxLinks)
      return token
    }),
    open: Effect.fn("Sessions.open")(function*(credential) {
      const now = yield* Clock.currentTimeMillis
      failures = failures.filter((at) => now - at < Duration.toMillis(failureTime))
      if (failures.length >= maxFailures) {
        return yield* new ApiError.BusyError({ message: "too many wrong keys and links were given: try again in a minute" })
      }
      const { name, role } = yield* keyOf(credential)
      const token = yield* random
      const session = { name, role, until: DateTime.addDuration(yield* DateTime.now, sessionTime) }
      sessions.set(digest(token), session)
      dropOldest(sessions, maxSessions)
      return { session, token }
    }),
    find: (token) =>
      Effect.map(DateTime.now, (now) => {
        const session = sessions.get(digest(token))
        if (session === undefined || DateTime.lessThan(now, session.until)) return session
        sessions.delete(digest(token))
        return undefined
      }),
    close: (token) => Effect.sync(() => void sessions.delete(digest(token)))
  })
}

/** Layer of the sessions of a server with these keys. */
export const layer = (keys: ReadonlyArray<ApiKeys.ApiKey>): Layer.Layer<Sessions> => Layer.sync(Sessions, () => make(keys))
