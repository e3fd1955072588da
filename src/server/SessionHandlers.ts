/** Logs into the page, and out of it. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { Caller, RunsApi } from "./RunsApi.ts"
import * as SessionCookie from "./SessionCookie.ts"
import { Sessions } from "./Sessions.ts"

const redacted = (text: string | undefined) => (text === undefined ? undefined : Redacted.make(text))

/** Layer of the endpoints of sessions. */
export const layer = HttpApiBuilder.group(RunsApi, "session", (handlers) =>
  Effect.map(Sessions, (sessions) =>
    handlers
      .handle("login", ({ payload: { key, link }, request }) =>
        Effect.map(sessions.open({ key: redacted(key), link: redacted(link) }), ({ session: { name, role, until }, token }) =>
          SessionCookie.keeping(request, token, { name, role, until: DateTime.formatIso(until) })))
      .handle("who", ({ request }) =>
        Effect.gen(function*() {
          const { name, role } = yield* Caller
          const token = SessionCookie.tokenOf(request)
          const session = token === undefined ? undefined : yield* sessions.find(token)
          return { name, role, until: session?.until }
        }))
      .handle("logout", ({ request }) =>
        Effect.gen(function*() {
          const token = SessionCookie.tokenOf(request)
          if (token !== undefined) yield* sessions.close(token)
          return SessionCookie.dropping(request, {})
        }))))
