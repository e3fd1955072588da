/** The list of runs. */
import { useAtomValue } from "@effect-atom/atom-react/Hooks"
import * as Effect from "effect/Effect"
import { useCallback } from "react"
import * as Atoms from "./Atoms.ts"
import { go, Link } from "./Navigation.tsx"
import { Problem } from "./Notice.tsx"
import * as Route from "./Route.ts"
import * as RunList from "./RunList.ts"
import * as RunRow from "./RunRow.ts"
import * as Status from "./Status.ts"
import { ProgressBar, StatusMark } from "./StatusMark.tsx"
import { Cell, VirtualTable } from "./VirtualTable.tsx"
import * as Words from "./Words.ts"

const columns = ["Status", "Workflow", "Progress", "Begun", "Took", "Driven by", "Left", "Cost"]

export const RunsPage = ({ route }: { readonly route: Extract<Route.Route, { readonly page: "runs" }> }) => {
  const key = Atoms.filterKey({ status: route.status, search: route.search })
  const list = useAtomValue(Atoms.runList(key))
  const state = Atoms.valueOf(useAtomValue(Atoms.runListState(key)), RunList.initial)
  const now = Atoms.valueOf(useAtomValue(Atoms.now), state.readAt)
  const handle = list._tag === "Success" ? list.value : undefined

  const onSight = useCallback((from: number, to: number) => {
    if (handle === undefined) return
    Effect.runFork(Effect.zipRight(handle.see(from, to), to >= state.rows.length ? handle.more : Effect.void))
  }, [handle, state.rows.length])

  return (
    <section aria-labelledby="runs-title" className="page fill">
      <div className="title">
        <h1 id="runs-title">Runs</h1>
        <form role="search" className="filters" onSubmit={(event) => event.preventDefault()}>
          <label>
            <span>Search</span>
            <input
              type="search"
              placeholder="workflow, or the beginning of an id"
              value={route.search}
              onChange={({ target }) => go({ ...route, search: target.value }, true)}
            />
          </label>
          <label>
            <span>Status</span>
            <select value={route.status} onChange={({ target }) => go({ ...route, status: target.value }, true)}>
              <option value="">all</option>
              {Status.ofRuns.map((status) => <option key={status} value={status}>{Status.lookOf(status).words}</option>)}
            </select>
          </label>
          <span className="faint" role="status">{state.isRead ? state.isComplete ? Words.count(state.rows.length, "run") : `the first ${state.rows.length.toLocaleString("en")} runs` : ""}</span>
        </form>
      </div>
      <Problem problem={state.problem} isRead={state.isRead} />
      {!state.isRead ? null : (
        <VirtualTable
          label="Runs"
          name="runs"
          columns={columns}
          total={state.rows.length}
          heights={[34, 62]}
          onSight={onSight}
          empty={route.search === "" && route.status === "" ? "No run is on record. telemachy submit FILE puts one there." : "No run is like that."}
          renderRows={(from, to, row) =>
            state.rows.slice(from, to).map((run, index) => {
              const cells = RunRow.of(run, state.progress.get(run.run), now)
              return row(from + index, (
                <>
                  <Cell className="c-status"><StatusMark status={run.status} words={cells.status} /></Cell>
                  <Cell className="c-name">
                    <Link to={Route.run(run.run)}>{run.workflow ?? "forgotten"}</Link> <code>{run.run}</code>
                  </Cell>
                  <Cell className="c-progress">
                    {cells.progress === undefined ? null : <ProgressBar {...cells.progress} />}
                  </Cell>
                  <Cell className="c-age">{cells.age}</Cell>
                  <Cell className="c-took">{cells.took}</Cell>
                  <Cell className="c-owner">{cells.owner}</Cell>
                  <Cell className="c-left">{cells.left}</Cell>
                  <Cell className="c-cost">{run.usd === undefined ? "" : Words.usd(run.usd)}</Cell>
                </>
              ))
            })}
        />
      )}
    </section>
  )
}
