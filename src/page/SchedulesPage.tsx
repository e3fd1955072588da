/** The schedules that are on record, and what can be done with them. */
import { useAtomValue } from "@effect-atom/atom-react/Hooks"
import * as Effect from "effect/Effect"
import { useState } from "react"
import * as Atoms from "./Atoms.ts"
import { Dialog } from "./Dialog.tsx"
import { Link } from "./Navigation.tsx"
import { Notice, Problem } from "./Notice.tsx"
import { PlainTable } from "./ResourcesTab.tsx"
import { useMayOperate } from "./Role.ts"
import * as Route from "./Route.ts"
import { StatusMark } from "./StatusMark.tsx"
import { type Doing, useAction } from "./useAction.ts"
import * as Words from "./Words.ts"

type Kind = "pause" | "resume" | "run" | "remove"

interface Asked {
  readonly kind: Kind
  readonly id: string
  readonly workflow: string
}

const labels: Readonly<Record<Kind, string>> = { pause: "Pause", resume: "Go on", run: "Run now", remove: "Remove" }

const says: Readonly<Record<Kind, string>> = {
  pause: "It begins no run by itself until it goes on. Times that come meanwhile are left out.",
  resume: "It goes on with the next time that comes.",
  run: "A run of it is submitted now, beside its times.",
  remove: "It is taken off the record. Runs that it has submitted stay."
}

const doing = ({ id, kind }: Asked): Doing => ({ schedules }) => {
  const path = { schedule: id }
  switch (kind) {
    case "pause":
      return Effect.as(schedules.pause({ path }), "it is paused")
    case "resume":
      return Effect.as(schedules.resume({ path }), "it goes on")
    case "run":
      return Effect.map(schedules.run({ path }), ({ run }) => run === undefined ? "its run begins when the one before it is over" : `run ${run} is submitted`)
    case "remove":
      return Effect.as(schedules.remove({ path }), "it is removed")
  }
}

const time = (iso: string | undefined): string => (iso === undefined ? "" : Words.clock(Date.parse(iso), 0))

export const SchedulesPage = () => {
  const { problem, value } = Atoms.shownOf(useAtomValue(Atoms.schedules))
  const mayOperate = useMayOperate()
  const action = useAction()
  const [asked, ask] = useState<Asked | undefined>()
  return (
    <section className="page" aria-labelledby="schedules-title">
      <div className="title"><h1 id="schedules-title">Schedules</h1></div>
      <Notice told={action.told} onClose={action.forget} />
      <Problem problem={problem} isRead={value !== undefined} />
      {value === undefined ? null : value.schedules.length === 0 ? <p className="empty">No schedule is on record: telemachy schedule add FILE puts those of a workflow there.</p> : (
        <PlainTable
          label="Schedules"
          columns={["Workflow", "When", "Next", "Last run", "Problem", ...(mayOperate ? ["Do"] : [])]}
          rows={value.schedules.map(({ cron, id, last, lastRun, next, paused, problem, timezone, waiting, workflow }) => ({
            key: id,
            cells: [
              <span key="workflow">{workflow} <code>{id.slice(0, 8)}</code></span>,
              <span key="cron"><code>{cron}</code> {timezone}</span>,
              paused ? <StatusMark key="paused" status="kept" words="paused" /> : `${time(next)}${waiting.length === 0 ? "" : `, ${Words.count(waiting.length, "time")} waiting`}`,
              lastRun === undefined
                ? last?.reason ?? ""
                : <span key="last"><Link to={Route.run(lastRun.run)}>{time(lastRun.at)}</Link> <StatusMark status={lastRun.outcome ?? "queued"} /></span>,
              problem ?? "",
              ...(mayOperate
                ? [
                  <span key="do" className="actions">
                    {([paused ? "resume" : "pause", "run", "remove"] as const).map((kind) => (
                      <button key={kind} type="button" className={kind === "remove" ? "grave" : undefined} onClick={() => ask({ kind, id, workflow })}>{labels[kind]}</button>
                    ))}
                  </span>
                ]
                : [])
            ]
          }))}
        />
      )}
      {value?.next === undefined ? null : <p className="faint">There are more than {Atoms.mostSchedules.toLocaleString("en")}: telemachy schedule list shows all.</p>}
      {asked === undefined ? null : (
        <Dialog
          title={`${labels[asked.kind]}: schedule ${asked.id.slice(0, 8)} of ${asked.workflow}?`}
          confirm={labels[asked.kind]}
          isGrave={asked.kind === "remove"}
          onClose={() => ask(undefined)}
          onConfirm={() => {
            ask(undefined)
            void action.run(doing(asked))
          }}
        >
          <p>{says[asked.kind]}</p>
        </Dialog>
      )}
    </section>
  )
}
