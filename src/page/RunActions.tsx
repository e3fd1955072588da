/** The buttons for what can be done with a run. */
import * as Effect from "effect/Effect"
import { useState } from "react"
import * as Actions from "./Actions.ts"
import { Dialog } from "./Dialog.tsx"
import { useMayOperate } from "./Role.ts"
import type { Doing, useAction } from "./useAction.ts"
import * as Words from "./Words.ts"

const cancelled: Readonly<Record<string, string>> = {
  withdrawn: "it is cancelled, and had not begun",
  cancelling: "it is ending",
  unheard: "it was asked to end; whoever drives it has not said yet that it heard of it",
  over: "it was over before",
  abandoned: "nobody drives it: clean up what it has left"
}

/** What is done, and what there is to say of it. */
const doing = (kind: Actions.Action["kind"], run: string, retryFailed: boolean): Doing => (client) => {
  const path = { run }
  switch (kind) {
    case "cancel":
      return Effect.map(client.runs.cancel({ path }), ({ status }) => cancelled[status] ?? status)
    case "resume":
      return Effect.map(client.runs.resume({ path, payload: { retryFailed } }), ({ isNew }) =>
        isNew ? "it waits for a runner that goes on with it" : "it waited for a runner already")
    case "cleanup":
      return Effect.map(client.runs.cleanup({ path }), ({ remaining, removed }) =>
        `${Words.count(removed.length, "resource")} removed${remaining.length === 0 ? "" : `, ${remaining.length} could not be: ${remaining.map(({ error, name }) => `${name}${error === undefined ? "" : ` (${error})`}`).join(", ")}`}`)
    case "forget":
      return Effect.as(client.runs.forget({ path }), "it is forgotten")
  }
}

export const RunActions = ({ action, view }: { readonly view: Actions.ActionSubject; readonly action: ReturnType<typeof useAction> }) => {
  const mayOperate = useMayOperate()
  const [asked, ask] = useState<Actions.Action | undefined>()
  const [retryFailed, setRetryFailed] = useState(false)
  const actions = Actions.available(view)
  if (!mayOperate) return actions.length === 0 ? null : <span className="faint">Your key may only look.</span>
  return (
    <span className="actions">
      {actions.map((each) => (
        <button key={each.kind} type="button" className={each.isGrave ? "grave" : undefined} onClick={() => ask(each)}>{each.label}</button>
      ))}
      {asked === undefined ? null : (
        <Dialog
          title={`${asked.label} run ${view.run}${view.workflow === undefined ? "" : ` of ${view.workflow}`}?`}
          confirm={asked.label}
          isGrave={asked.isGrave}
          isBusy={action.isBusy}
          onClose={() => ask(undefined)}
          onConfirm={() => {
            ask(undefined)
            void action.run(doing(asked.kind, view.run, retryFailed && asked.canRetryFailed))
          }}
        >
          <p>{asked.says}</p>
          {!asked.canRetryFailed ? null : (
            <label className="check">
              <input type="checkbox" checked={retryFailed} onChange={({ target }) => setRetryFailed(target.checked)} />
              <span>Try the tasks again that have failed</span>
            </label>
          )}
        </Dialog>
      )}
    </span>
  )
}
