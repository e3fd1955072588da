/** The events of a run in words. */
import { useAtomValue } from "@effect-atom/atom-react/Hooks"
import * as DateTime from "effect/DateTime"
import { useState } from "react"
import * as Atoms from "./Atoms.ts"
import { go } from "./Navigation.tsx"
import { Problem } from "./Notice.tsx"
import type * as Route from "./Route.ts"
import { Cell, chunks, type RowOf, VirtualTable } from "./VirtualTable.tsx"
import * as Words from "./Words.ts"

interface Line {
  readonly seq: number
  readonly at: DateTime.Utc
  readonly tag: string
  readonly weight: string
  readonly text: string
}

/** How many events are asked for at once. */
const chunkSize = 200

const kinds: ReadonlyArray<readonly [prefix: string, words: string]> = [
  ["", "all"],
  ["run.", "the run"],
  ["task.", "tasks"],
  ["gate.", "gates"],
  ["agent.", "agents"],
  ["team.", "teams"],
  ["workspace.", "workspaces"],
  ["connectivity.", "the heartbeat"],
  ["request.", "requests that failed"],
  ["teardown.", "teardown"],
  ["record.", "the record"]
]

const cells = ({ at, seq, tag, text }: Line) => (
  <>
    <Cell className="c-seq">{seq}</Cell>
    <Cell className="c-at">{Words.clock(DateTime.toEpochMillis(at), DateTime.toEpochMillis(at))}</Cell>
    <Cell className="c-tag"><code>{tag}</code></Cell>
    <Cell className="c-text">{text}</Cell>
  </>
)

const Chunk = ({ end, from, row, run, start }: { readonly run: string; readonly start: number; readonly from: number; readonly end: number; readonly row: RowOf }) => {
  const lines = Atoms.shownOf(useAtomValue(Atoms.lines(Atoms.linesKey({ run, from: start, limit: chunkSize, only: "", search: "" })))).value?.lines ?? []
  const first = Math.max(from, start)
  return Array.from({ length: Math.max(0, Math.min(end, start + chunkSize) - first) }, (_, offset) => {
    const line = lines[first + offset - start]
    return line === undefined
      ? row(first + offset, <Cell className="faint">…</Cell>)
      : row(first + offset, cells(line), { className: `weight-${line.weight}` })
  })
}

/** All events: their places are those of their rows. */
const All = ({ end, run }: { readonly run: string; readonly end: number }) => {
  const [isAtEnd, setAtEnd] = useState(true)
  return (
    <>
      <label className="check"><input type="checkbox" checked={isAtEnd} onChange={({ target }) => setAtEnd(target.checked)} /><span>Stay at the end</span></label>
      <VirtualTable
        label="Events"
        name="events"
        columns={["Place", "At", "Event", "What happened"]}
        total={end}
        heights={[24, 52]}
        isAtEnd={isAtEnd}
        empty="Nothing has happened yet."
        renderRows={(from, to, row) => chunks(from, to, chunkSize).map((start) => <Chunk key={start} run={run} start={start} from={from} end={to} row={row} />)}
      />
    </>
  )
}

/** A part of the events that are meant, and, when it is full, the button that asks for the next. */
const Found = ({ from, route }: { readonly route: Route.RunRoute; readonly from: number }) => {
  const [isNextShown, showNext] = useState(false)
  const { problem, value } = Atoms.shownOf(useAtomValue(Atoms.lines(Atoms.linesKey({
    run: route.run,
    from,
    limit: chunkSize,
    only: route.only,
    search: route.search
  }))))
  if (value === undefined) return <Problem problem={problem} isRead={false} />
  return (
    <>
      {value.lines.map((line) => <div key={line.seq} role="row" className={`row weight-${line.weight}`}>{cells(line)}</div>)}
      {value.next === undefined ? null : isNextShown
        ? <Found route={route} from={value.next} />
        : <div role="row"><div role="cell"><button type="button" onClick={() => showNext(true)}>Look on from event {value.next}</button></div></div>}
      {value.next === undefined && value.lines.length === 0 ? <div role="row"><div role="cell" className="empty">No more events are like that.</div></div> : null}
    </>
  )
}

export const EventsTab = ({ end, route }: { readonly route: Route.RunRoute; readonly end: number }) => {
  const isFiltered = route.only !== "" || route.search !== ""
  return (
    <>
      <form role="search" className="filters" onSubmit={(event) => event.preventDefault()}>
        <label>
          <span>Search</span>
          <input type="search" placeholder="what an event says" value={route.search} onChange={({ target }) => go({ ...route, search: target.value }, true)} />
        </label>
        <label>
          <span>Kind</span>
          <select value={route.only} onChange={({ target }) => go({ ...route, only: target.value }, true)}>
            {kinds.map(([prefix, words]) => <option key={prefix} value={prefix}>{words}</option>)}
          </select>
        </label>
        <span className="faint" role="status">{Words.count(end, "event")}</span>
      </form>
      {isFiltered
        ? (
          <div className="table table-events found" role="table" aria-label="Events that are meant" tabIndex={0}>
            <div role="rowgroup"><Found key={`${route.only} ${route.search}`} route={route} from={0} /></div>
          </div>
        )
        : <All run={route.run} end={end} />}
    </>
  )
}
