/** A task in full: what it answered, its attempts, and what it writes. */
import { useAtomValue } from "@effect-atom/atom-react/Hooks"
import * as DateTime from "effect/DateTime"
import { useEffect, useRef, useState } from "react"
import * as Atoms from "./Atoms.ts"
import * as LogTail from "./LogTail.ts"
import { go } from "./Navigation.tsx"
import { Problem } from "./Notice.tsx"
import type * as Route from "./Route.ts"
import { StatusMark } from "./StatusMark.tsx"
import { Cell, VirtualTable } from "./VirtualTable.tsx"
import * as Words from "./Words.ts"

const Log = ({ attempt, run, task }: { readonly run: string; readonly task: string; readonly attempt: number }) => {
  const tail = Atoms.valueOf(useAtomValue(Atoms.log(Atoms.taskKey({ run, task, attempt }))), LogTail.empty)
  const [isAtEnd, setAtEnd] = useState(true)
  return (
    <section aria-label="Log" className="log">
      <h3>
        Log {tail.isOver ? null : <span className="live">as it is written</span>}
        <label className="check"><input type="checkbox" checked={isAtEnd} onChange={({ target }) => setAtEnd(target.checked)} /><span>Stay at the end</span></label>
      </h3>
      {tail.problem === undefined ? null : <p className="faint">{tail.problem}</p>}
      {tail.omitted === 0 ? null : <p className="faint">{Words.count(tail.omitted, "line")} before are not shown: telemachy logs has them.</p>}
      {tail.lines.length === 0 ? <p className="faint">{tail.isOver ? "It has written nothing." : "Nothing yet."}</p> : (
        <VirtualTable
          label="Log"
          name="log"
          columns={["Line"]}
          total={tail.lines.length}
          heights={[18, 18]}
          isAtEnd={isAtEnd}
          empty=""
          renderRows={(from, to, row) => tail.lines.slice(from, to).map((line, index) =>
            row(from + index, <Cell className={line.stream === "stderr" ? "stderr" : "stdout"}>{line.text}</Cell>))}
        />
      )}
    </section>
  )
}

export const TaskPanel = ({ route }: { readonly route: Route.RunRoute }) => {
  const { problem, value: task } = Atoms.shownOf(useAtomValue(Atoms.task(Atoms.taskKey({ run: route.run, task: route.task, attempt: 0 }))))
  const [attempt, setAttempt] = useState(0)
  const panel = useRef<HTMLElement>(null)
  // Whoever opens a task goes on reading there, also on a phone, where it is below.
  useEffect(() => panel.current?.focus(), [])
  const hasLog = task !== undefined && !task.isGate && task.uses === undefined && task.attempt > 0
  return (
    <aside className="panel" aria-labelledby="task-title" ref={panel} tabIndex={-1}>
      <div className="title">
        <h2 id="task-title">{route.task}</h2>
        <button type="button" className="plain" onClick={() => go({ ...route, task: "" })} aria-label="Close the task">×</button>
      </div>
      <Problem problem={problem} isRead={task !== undefined} />
      {task === undefined ? null : (
        <>
          <p><StatusMark status={task.status} />{task.problem === undefined ? null : <span className="reason"> {task.problem}</span>}</p>
          <dl className="facts">
            <div><dt>Assigned to</dt><dd>{task.isGate ? "a person" : task.uses ?? task.assignTo}</dd></div>
            {task.blockedBy.length === 0 ? null : <div><dt>After</dt><dd>{task.blockedBy.join(", ")}</dd></div>}
            {task.attempt === 0 ? null : <div><dt>Attempt</dt><dd>{task.attempt} of at most {Math.max(task.attempt, task.mostAttempts)}</dd></div>}
            {task.submittedAt === undefined || task.endedAt === undefined ? null : (
              <div><dt>Took</dt><dd>{Words.lasted(DateTime.toEpochMillis(task.endedAt) - DateTime.toEpochMillis(task.submittedAt))}</dd></div>
            )}
            {task.usage?.usd === undefined ? null : <div><dt>Cost</dt><dd>{Words.usd(task.usage.usd)}</dd></div>}
            {task.id === undefined ? null : <div><dt>On Agamemnon</dt><dd><code>{task.id}</code></dd></div>}
          </dl>
          {task.gate?.answer === undefined ? null : (
            <p>{task.gate.question} — {task.gate.answer.decision} by {task.gate.answer.by}{task.gate.answer.comment === undefined ? "" : `: ${task.gate.answer.comment}`}</p>
          )}
          {task.verification === undefined ? null : <><h3>What its check has said</h3><pre tabIndex={0}>{task.verification}</pre></>}
          {task.result === undefined ? null : <><h3>Result</h3><pre tabIndex={0} className="result">{task.result}</pre></>}
          {task.outputs === undefined ? null : <><h3>Outputs</h3><pre tabIndex={0}>{JSON.stringify(task.outputs, null, 2)}</pre></>}
          {task.attempt < 2 ? null : (
            <label>
              <span>Log of attempt</span>
              <select value={attempt} onChange={({ target }) => setAttempt(Number(target.value))}>
                <option value={0}>the latest</option>
                {Array.from({ length: task.attempt }, (_, index) => <option key={index} value={index + 1}>{index + 1}</option>)}
              </select>
            </label>
          )}
          {hasLog ? <Log key={`${attempt}-${task.attempt}`} run={route.run} task={route.task} attempt={attempt} /> : null}
        </>
      )}
    </aside>
  )
}
