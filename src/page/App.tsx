/** The page: its parts, where one goes from one to another, and what holds for all of them. */
import { useAtomValue } from "@effect-atom/atom-react/Hooks"
import { useEffect } from "react"
import * as Effect from "effect/Effect"
import * as Atoms from "./Atoms.ts"
import { LeftoversPage } from "./LeftoversPage.tsx"
import { LoginPage } from "./LoginPage.tsx"
import { Link, useRoute } from "./Navigation.tsx"
import { RoleContext } from "./Role.ts"
import type * as Route from "./Route.ts"
import * as RouteOf from "./Route.ts"
import { RunnersPage } from "./RunnersPage.tsx"
import { RunPage } from "./RunPage.tsx"
import { RunsPage } from "./RunsPage.tsx"
import { SchedulesPage } from "./SchedulesPage.tsx"
import { ThemeSwitch } from "./ThemeSwitch.tsx"
import { useAction } from "./useAction.ts"
import * as Words from "./Words.ts"

const parts: ReadonlyArray<readonly [name: string, to: Route.Route]> = [
  ["Runs", RouteOf.runs],
  ["What is left", { page: "leftovers" }],
  ["Runners", { page: "runners" }],
  ["Schedules", { page: "schedules" }]
]

const titles: Readonly<Record<Route.Route["page"], string>> = {
  runs: "Runs",
  run: "Run",
  leftovers: "What is left",
  runners: "Runners",
  schedules: "Schedules",
  login: "Log in",
  unknown: "Not found"
}

const Shown = ({ route }: { readonly route: Route.Route }) => {
  switch (route.page) {
    case "login":
    case "runs":
      return <RunsPage route={route.page === "runs" ? route : { page: "runs", status: "", search: "" }} />
    case "run":
      return <RunPage key={route.run} route={route} />
    case "leftovers":
      return <LeftoversPage />
    case "runners":
      return <RunnersPage />
    case "schedules":
      return <SchedulesPage />
    case "unknown":
      return <section className="page"><h1>Not found</h1><p>There is nothing at this address.</p></section>
  }
}

const Lost = ({ at }: { readonly at: number }) => {
  const now = Atoms.valueOf(useAtomValue(Atoms.now), at)
  return (
    <p className="lost" role="alert">
      The server does not answer since {Words.clock(at, now)}. What is shown is how it was then; it is asked again and again.
    </p>
  )
}

export const App = () => {
  const route = useRoute()
  const { isLoggedOut, lostAt } = Atoms.valueOf(useAtomValue(Atoms.connection), { isLoggedOut: false, lostAt: undefined })
  const session = Atoms.shownOf(useAtomValue(Atoms.session)).value
  const { run } = useAction()
  useEffect(() => {
    document.title = `${route.page === "run" ? `Run ${route.run}` : titles[route.page]} · Telemachy`
  }, [route])
  const isIn = !isLoggedOut && session !== undefined

  return (
    <RoleContext.Provider value={session?.role ?? "read"}>
      <a className="skip" href="#content">To the content</a>
      <header>
        <span className="brand">Telemachy</span>
        {!isIn ? <span className="grow" /> : (
          <nav aria-label="Parts of the page">
            {parts.map(([name, to]) => (
              <Link key={name} to={to} current={to.page === route.page || (to.page === "runs" && route.page === "run")}>{name}</Link>
            ))}
          </nav>
        )}
        <ThemeSwitch />
        {!isIn ? null : (
          <>
            <span className="who" title={session.name}>{session.role === "read" ? "may look" : "may operate"}</span>
            <button type="button" onClick={() => void run((client) => Effect.as(client.session.logout(), ""))}>Log out</button>
          </>
        )}
      </header>
      {lostAt === undefined ? null : <Lost at={lostAt} />}
      <main id="content" tabIndex={-1}>
        {isLoggedOut
          ? <LoginPage isOver={session !== undefined} />
          : session === undefined
          ? <p className="empty" role="status">{lostAt === undefined ? "Reading…" : ""}</p>
          : <Shown route={route} />}
      </main>
    </RoleContext.Provider>
  )
}
