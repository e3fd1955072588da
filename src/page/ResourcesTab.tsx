/** What a run made and what became of it, and whether its record is whole. */
import * as Effect from "effect/Effect"
import type { ReactNode } from "react"
import { StatusMark } from "./StatusMark.tsx"
import { useAction } from "./useAction.ts"
import * as Words from "./Words.ts"

interface Resource {
  readonly kind: string
  readonly name: string
  readonly key: string
  readonly id?: string | undefined
  readonly reused: boolean
  readonly status: string
  readonly error?: string | undefined
  readonly usedBy?: string | undefined
  readonly worktree?: { readonly branch: string; readonly commits: number } | undefined
}

/** What there is to add to the status of a resource. */
export const note = ({ error, reused, usedBy, worktree }: Resource): string =>
  [
    ...(error === undefined ? [] : [error]),
    ...(usedBy === undefined ? [] : [`run ${usedBy} uses it`]),
    ...(reused ? ["an earlier run made it"] : []),
    ...(worktree === undefined ? [] : [`branch ${worktree.branch}${worktree.commits > 0 ? `, ${Words.count(worktree.commits, "commit")} that are nowhere else` : ""}`])
  ].join("; ")

/** A plain table. */
export const PlainTable = ({ columns, label, rows }: {
  readonly label: string
  readonly columns: ReadonlyArray<string>
  readonly rows: ReadonlyArray<{ readonly key: string; readonly cells: ReadonlyArray<ReactNode> }>
}) => (
  <div className="wide" tabIndex={0} role="region" aria-label={`${label}, as a table`}>
    <table>
      <caption className="hidden">{label}</caption>
      <thead><tr>{columns.map((column) => <th key={column} scope="col">{column}</th>)}</tr></thead>
      <tbody>{rows.map(({ cells, key }) => <tr key={key}>{cells.map((cell, index) => <td key={index} data-label={columns[index]}>{cell}</td>)}</tr>)}</tbody>
    </table>
  </div>
)

const Record = ({ run }: { readonly run: string }) => {
  const { isBusy, run: act, told } = useAction()
  const verify = () =>
    void act((client) =>
      Effect.map(client.runs.verify({ path: { run } }), ({ breaks, events }) =>
        breaks.length === 0
          ? `the chain of ${Words.count(events, "event")} is whole: nothing was changed, removed or added afterwards`
          : `the chain is broken: ${breaks.map(({ problem, seq, tag }) => `event ${seq} (${tag}): ${problem}`).join("; ")}`))
  return (
    <section aria-labelledby="record-title">
      <h2 id="record-title">Record</h2>
      <p>
        Each event has a hash over the one before it. <button type="button" disabled={isBusy} onClick={verify}>Check the chain</button>
      </p>
      <p role="status" className={told?.isProblem === true || told?.text.includes("broken") === true ? "notice problem" : undefined}>{told?.text}</p>
    </section>
  )
}

export const ResourcesTab = ({ view }: { readonly view: { readonly run: string; readonly resources: ReadonlyArray<Resource>; readonly omittedResources: number } }) => (
  <div className="scrolled" tabIndex={0} role="region" aria-label="Resources and record">
    <h2>Resources</h2>
    {view.resources.length === 0 ? <p className="empty">It has made nothing.</p> : (
      <PlainTable
        label="Resources"
        columns={["Kind", "Name", "What became of it", "On Agamemnon", "Note"]}
        rows={view.resources.map((resource) => ({
          key: `${resource.kind}/${resource.name}`,
          cells: [resource.kind, resource.name, <StatusMark key="status" status={resource.status} />, <code key="id">{resource.id ?? ""}</code>, note(resource)]
        }))}
      />
    )}
    {view.omittedResources === 0 ? null : <p className="faint">{Words.count(view.omittedResources, "resource")} more are not shown.</p>}
    <Record run={view.run} />
  </div>
)
