/**
 * The sessions of the page: opened with a key or with a link that serves once,
 * held by a cookie, and kept in memory only, so that they end with the server.
 */
import { createHash, randomBytes } from "node:crypto"
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
  readonly open: (credential: Credential) => Effect.Effect<Opened, ApiError.UnauthorizedError>
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

  const refused = (message: string) => new ApiError.UnauthorizedError({ message })

  /**
   * The key that a credential stands for. Wrong ones are not counted: a key is too long to be guessed, here as with any other
   * request, and whoever gives wrong ones must not keep others from logging in.
   */
  const keyOf = Effect.fnUntraced(function*({ key, link }: Credential) {
    if (key !== undefined) {
      return find(key) ?? (yield* refused("this key is not known: the keys of the API are in the file that telemachy serve names at its first start"))
    }
    const name = link === undefined ? "" : digest(link)
    const until = links.get(name)
    links.delete(name)
    const isValid = until !== undefined && DateTime.lessThan(yield* DateTime.now, until)
    const owner = keys.find(({ role }) => role === "operate") ?? keys[0]
    return isValid && owner !== undefined
      ? owner
      : yield* refused("this link was used or is too old: log in with a key, or with the link of a new start of telemachy serve")
  })

  return Sessions.of({
    makeLink: Effect.gen(function*() {
      const token = yield* random
      links.set(digest(token), DateTime.addDuration(yield* DateTime.now, linkTime))
      dropOldest(links, maxLinks)
      return token
    }),
    open: Effect.fn("Sessions.open")(function*(credential) {
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
