/** What a run asks, and the buttons that answer. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { useState } from "react"
import { useMayOperate } from "./Role.ts"
import type { useAction } from "./useAction.ts"
import * as Words from "./Words.ts"

interface Gate {
  readonly team: string
  readonly subject: string
  readonly question: string
  readonly askedAt: DateTime.Utc
  readonly until?: DateTime.Utc | undefined
  readonly before: ReadonlyArray<string>
}

interface Props {
  readonly view: { readonly run: string; readonly gates: ReadonlyArray<Gate> }
  readonly action: ReturnType<typeof useAction>
}

const One = ({ action, gate: { askedAt, before, question, subject, team, until }, run }: { readonly gate: Gate; readonly run: string; readonly action: Props["action"] }) => {
  const mayOperate = useMayOperate()
  const [comment, setComment] = useState("")
  const [target, setTarget] = useState(before[0] ?? "")
  const answer = (decision: "approved" | "rejected" | "redo") =>
    void action.run((client) =>
      Effect.map(
        client.runs.answer({
          path: { run },
          payload: { task: `${team}/${subject}`, decision, ...(comment === "" ? {} : { comment }), ...(decision === "redo" ? { redo: target } : {}) }
        }),
        ({ isDriven }) =>
          `${subject} is ${decision === "redo" ? `sent back to ${target}` : decision}${isDriven ? "" : "; nobody drives the run, which hears of it when it goes on"}`
      ))
  return (
    <li className="gate">
      <p className="question"><strong>{team}/{subject}</strong> asks: {question}</p>
      <p className="faint">
        Approved, what waits for it begins. Rejected, it has failed, and what waits for it is skipped.{" "}
        {before.length === 0 ? "" : "Sent back, that task is done again with the comment, and what is between; then it asks once more. "}
        {until === undefined ? "It waits without a limit." : `Without an answer it counts as rejected at ${Words.clock(DateTime.toEpochMillis(until), DateTime.toEpochMillis(askedAt))}.`}
      </p>
      {!mayOperate ? null : (
        <div className="buttons">
          <label>
            <span>Comment</span>
            <input type="text" value={comment} maxLength={4000} onChange={({ target }) => setComment(target.value)} />
          </label>
          <button type="button" className="primary" disabled={action.isBusy} onClick={() => answer("approved")}>Approve</button>
          <button type="button" className="grave" disabled={action.isBusy} onClick={() => answer("rejected")}>Reject</button>
          {before.length === 0 ? null : (
            <>
              <label>
                <span>Send back to</span>
                <select value={target} onChange={({ target: chosen }) => setTarget(chosen.value)}>
                  {before.map((name) => <option key={name} value={name}>{name}</option>)}
                </select>
              </label>
              <button type="button" disabled={action.isBusy} onClick={() => answer("redo")}>Send back</button>
            </>
          )}
        </div>
      )}
    </li>
  )
}

export const GateAnswers = ({ action, view: { gates, run } }: Props) => (
  <section aria-label="What it asks">
    <ul className="gates">{gates.map((gate) => <One key={`${gate.team}/${gate.subject}`} gate={gate} run={run} action={action} />)}</ul>
  </section>
)
