/** A run: how far it is, what can be done with it, and its parts. */
import { useAtomValue } from "@effect-atom/atom-react/Hooks"
import * as DateTime from "effect/DateTime"
import type * as Schema from "effect/Schema"
import type * as RunViewModel from "../server/RunViewModel.ts"
import * as Atoms from "./Atoms.ts"
import { EventsTab } from "./EventsTab.tsx"
import { GateAnswers } from "./GateAnswers.tsx"
import { GraphTab } from "./GraphTab.tsx"
import { HeartbeatStrip } from "./HeartbeatStrip.tsx"
import { Link } from "./Navigation.tsx"
import { Notice, Problem } from "./Notice.tsx"
import { ResourcesTab } from "./ResourcesTab.tsx"
import type * as Route from "./Route.ts"
import { tabs } from "./Route.ts"
import { RunActions } from "./RunActions.tsx"
import { Counts, ProgressBar, StatusMark } from "./StatusMark.tsx"
import { TaskPanel } from "./TaskPanel.tsx"
import { TasksTab } from "./TasksTab.tsx"
import { TimeTab } from "./TimeTab.tsx"
import { useAction } from "./useAction.ts"
import * as Words from "./Words.ts"

type View = Schema.Schema.Type<typeof RunViewModel.RunView>
const tabNames: Readonly<Record<Route.Tab, string>> = {
  tasks: "Tasks",
  graph: "Graph",
  time: "Time-line",
  events: "Events",
  resources: "Resources and record"
}

const Facts = ({ view }: { readonly view: View }) => {
  const begun = view.startedAt === undefined ? undefined : DateTime.toEpochMillis(view.startedAt)
  const now = Atoms.valueOf(useAtomValue(Atoms.now), begun ?? 0)
  const end = view.endedAt === undefined ? now : DateTime.toEpochMillis(view.endedAt)
  const cost = view.spent.usd > 0 || view.usd !== undefined ? Words.usd(view.spent.usd) : undefined
  const tokens = view.spent.inputTokens + view.spent.outputTokens
  const limit = view.budget?.usd === undefined ? "" : ` of ${Words.usd(view.budget.usd)}`
  const facts: ReadonlyArray<readonly [string, string | undefined]> = [
    ["Begun", begun === undefined ? undefined : `${Words.clock(begun, now)}, ${Words.ago(now - begun)}`],
    ["Took", begun === undefined || view.status === "queued" || view.status === "interrupted" ? undefined : Words.lasted(end - begun)],
    ["Driven by", view.owner ?? (view.status === "interrupted" ? "nobody" : undefined)],
    ["Agamemnon", view.url === "" ? undefined : view.embedded ? `embedded, ${view.url}` : view.url],
    ["Teardown", view.policy.replaceAll("_", " ")],
    ["Cost", cost === undefined ? undefined : `${cost}${limit}${view.spent.unknown.usd > 0 ? `, and what ${Words.count(view.spent.unknown.usd, "attempt")} cost` : ""}`],
    ["Tokens", tokens === 0 ? undefined : tokens.toLocaleString("en")],
    ["Schedule", view.schedule === undefined ? undefined : `${view.schedule.id}, for ${view.schedule.at}`]
  ]
  return (
    <dl className="facts">
      {facts.flatMap(([name, value]) => value === undefined ? [] : [<div key={name}><dt>{name}</dt><dd>{value}</dd></div>])}
    </dl>
  )
}

const Tab = ({ route, view }: { readonly route: Route.RunRoute; readonly view: View }) => {
  switch (route.tab) {
    case "tasks":
      return <TasksTab route={route} />
    case "graph":
      return <GraphTab route={route} />
    case "time":
      return <TimeTab route={route} total={view.total} />
    case "events":
      return <EventsTab route={route} end={view.next} />
    case "resources":
      return <ResourcesTab view={view} />
  }
}

export const RunPage = ({ route }: { readonly route: Route.RunRoute }) => {
  const { problem, value: view } = Atoms.shownOf(useAtomValue(Atoms.runView(route.run)))
  const isLive = Atoms.valueOf(useAtomValue(Atoms.change(route.run)), { place: 0, turn: 0, isLive: false }).isLive
  const action = useAction()
  if (view === undefined) {
    return <section className="page"><h1>Run {route.run}</h1><Problem problem={problem} isRead={false} /></section>
  }
  const ended = ["completed", "failed", "error", "timeout", "stalled", "cancelled", "skipped"].reduce((sum, status) => sum + (view.counts[status] ?? 0), 0)
  const failed = ["failed", "error", "timeout", "stalled", "cancelled"].reduce((sum, status) => sum + (view.counts[status] ?? 0), 0)
  return (
    <section className="page fill" aria-labelledby="run-title">
      <div className="title">
        <h1 id="run-title">{view.workflow ?? "A run"} <code>{view.run}</code></h1>
        <span role="status"><StatusMark status={view.status} /></span>
        {isLive && view.status === "running" ? <span className="live">live</span> : null}
        <ProgressBar ended={ended} failed={failed} total={view.total} />
        <RunActions view={view} action={action} />
      </div>
      <Notice told={action.told} onClose={action.forget} />
      <Problem problem={problem} isRead />
      {view.reason === "" ? null : <p className="reason">{view.reason}</p>}
      <Facts view={view} />
      <Counts counts={view.counts} />
      <HeartbeatStrip run={view.run} view={view} />
      {view.gates.length === 0 ? null : <GateAnswers view={view} action={action} />}
      <nav className="tabs" aria-label="Parts of the run">
        {tabs.map((tab) => (
          <Link key={tab} to={{ ...route, tab, task: "", search: "", status: "", only: "", group: "" }} current={tab === route.tab}>{tabNames[tab]}</Link>
        ))}
      </nav>
      <div className={route.task === "" ? "split" : "split open"}>
        <div className="pane"><Tab route={route} view={view} /></div>
        {route.task === "" ? null : <TaskPanel key={route.task} route={route} />}
      </div>
    </section>
  )
}
