/** What all runs have left or kept: since when, why, and the button that removes it. */
import { useAtomValue } from "@effect-atom/atom-react/Hooks"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { useState } from "react"
import * as Atoms from "./Atoms.ts"
import { Dialog } from "./Dialog.tsx"
import * as Leftovers from "./Leftovers.ts"
import { Link } from "./Navigation.tsx"
import { Notice, Problem } from "./Notice.tsx"
import { note, PlainTable } from "./ResourcesTab.tsx"
import { useMayOperate } from "./Role.ts"
import * as Route from "./Route.ts"
import { StatusMark } from "./StatusMark.tsx"
import { useAction } from "./useAction.ts"
import * as Words from "./Words.ts"

export const LeftoversPage = () => {
  const { problem, value } = Atoms.shownOf(useAtomValue(Atoms.leftovers))
  const now = Atoms.valueOf(useAtomValue(Atoms.now), 0)
  const mayOperate = useMayOperate()
  const action = useAction()
  const [asked, ask] = useState<Leftovers.OfRun | undefined>()
  const runs = Leftovers.byRun(value?.leftovers ?? [])

  const remove = (run: string) =>
    void action.run((client) =>
      Effect.map(client.runs.cleanup({ path: { run } }), ({ remaining, removed }) =>
        `${Words.count(removed.length, "resource")} of run ${run} removed${remaining.length === 0 ? "" : `, ${remaining.length} could not be`}`))

  return (
    <section className="page" aria-labelledby="left-title">
      <div className="title"><h1 id="left-title">What is left</h1></div>
      <Notice told={action.told} onClose={action.forget} />
      <Problem problem={problem} isRead={value !== undefined} />
      {value !== undefined && runs.length === 0 ? <p className="empty">Nothing is left: all that runs have made was removed.</p> : null}
      {runs.map((each) => (
        <section key={each.run} className="card" aria-labelledby={`left-${each.run}`}>
          <div className="title">
            <h2 id={`left-${each.run}`}><Link to={Route.run(each.run, "resources")}>{each.workflow}</Link> <code>{each.run}</code></h2>
            <span className="faint">
              {each.since === undefined ? "" : `since ${Words.clock(DateTime.toEpochMillis(each.since), now)}, ${Words.ago(now - DateTime.toEpochMillis(each.since))}`} on {each.url}
            </span>
            {each.usd === undefined ? null : <span>{Words.usd(each.usd)} since then</span>}
            {mayOperate ? <button type="button" className="grave" disabled={action.isBusy} onClick={() => ask(each)}>Remove</button> : null}
          </div>
          <PlainTable
            label={`What run ${each.run} has left`}
            columns={["Kind", "Name", "Why it is there", "On Agamemnon"]}
            rows={each.resources.map((resource) => ({
              key: `${resource.kind}/${resource.name}`,
              cells: [
                resource.kind,
                resource.name,
                <span key="why"><StatusMark status={resource.status} words={Leftovers.why(resource)} /> {note(resource)}</span>,
                <code key="id">{resource.id ?? ""}</code>
              ]
            }))}
          />
        </section>
      ))}
      {value === undefined || value.omitted === 0 ? null : <p className="faint">{Words.count(value.omitted, "run")} more have left something.</p>}
      {asked === undefined ? null : (
        <Dialog
          title={`Remove what run ${asked.run} has left?`}
          confirm="Remove"
          isGrave
          onClose={() => ask(undefined)}
          onConfirm={() => {
            remove(asked.run)
            ask(undefined)
          }}
        >
          <p>From {asked.url}: {Words.listed(asked.resources.map(({ kind, name }) => `${kind} ${name}`))}. What another run uses stays.</p>
        </Dialog>
      )}
    </section>
  )
}
