/** The runners that live. */
import { useAtomValue } from "@effect-atom/atom-react/Hooks"
import * as DateTime from "effect/DateTime"
import * as Atoms from "./Atoms.ts"
import { Problem } from "./Notice.tsx"
import { PlainTable } from "./ResourcesTab.tsx"
import { StatusMark } from "./StatusMark.tsx"
import * as Words from "./Words.ts"

export const RunnersPage = () => {
  const { problem, value } = Atoms.shownOf(useAtomValue(Atoms.runners))
  const now = Atoms.valueOf(useAtomValue(Atoms.now), 0)
  return (
    <section className="page" aria-labelledby="runners-title">
      <div className="title">
        <h1 id="runners-title">Runners</h1>
        {value === undefined ? null : <span className="faint" role="status">{Words.count(value.queued, "run waits", "runs wait")} for one</span>}
      </div>
      <Problem problem={problem} isRead={value !== undefined} />
      {value === undefined ? null : value.runners.length === 0 ? <p className="empty">No runner lives: telemachy serve is one.</p> : (
        <PlainTable
          label="Runners"
          columns={["Host", "Process", "Runs", "State", "Agamemnon", "Since", "Overdue messages"]}
          rows={value.runners.map(({ agamemnon, draining, host, id, maxRuns, overdueMessages, pid, reachable, running, since }) => ({
            key: id,
            cells: [
              host,
              pid,
              `${running} of ${maxRuns}`,
              draining ? "takes no others" : "takes runs",
              <span key="agamemnon">{agamemnon} <StatusMark status={reachable ? "alive" : "lost"} words={reachable ? "answers" : "does not answer"} /></span>,
              Words.ago(now - DateTime.toEpochMillis(since)),
              overdueMessages
            ]
          }))}
        />
      )}
    </section>
  )
}
