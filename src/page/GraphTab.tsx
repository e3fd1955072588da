/** The graph of the tasks of a run, or of groups of them where they are many. */
import { useAtomValue } from "@effect-atom/atom-react/Hooks"
import { useMemo } from "react"
import * as Atoms from "./Atoms.ts"
import * as GraphLayout from "./GraphLayout.ts"
import { Link } from "./Navigation.tsx"
import { Problem } from "./Notice.tsx"
import type * as Route from "./Route.ts"
import * as Status from "./Status.ts"
import { Counts } from "./StatusMark.tsx"
import * as Words from "./Words.ts"

interface Node {
  readonly id: string
  readonly team: string
  readonly label: string
  readonly kind: string
  readonly status?: string | undefined
  readonly assignTo?: string | undefined
  readonly attempt?: number | undefined
  readonly mostAttempts?: number | undefined
  readonly total: number
  readonly counts: Readonly<Record<string, number>>
}

const routeOf = (route: Route.RunRoute, { id, kind, label, team }: Node): Route.RunRoute =>
  kind === "group" ? { ...route, tab: "tasks", group: id, task: "" }
  : kind === "matrix" ? { ...route, tab: "tasks", search: `${team}/${label}`, task: "" }
  : { ...route, task: `${team}/${label}` }

/** The tone of a group is that of what needs attention most. */
const toneOf = ({ counts, status }: Node): Status.Tone => {
  if (status !== undefined) return Status.lookOf(status).tone
  const tones = new Set(Object.entries(counts).flatMap(([each, number]) => number > 0 ? [Status.lookOf(each).tone] : []))
  return (["bad", "doubtful", "active", "quiet", "good"] as const).find((tone) => tones.has(tone)) ?? "quiet"
}

const kinds: Readonly<Record<string, string>> = { gate: "a person answers", uses: "another workflow", merge: "merges branches" }

const Detail = ({ node }: { readonly node: Node }) => {
  if (node.kind === "group" || node.total > 1) return <Counts counts={node.counts} />
  const { attempt = 0, mostAttempts = 0, status = "waiting" } = node
  const look = Status.lookOf(status)
  const most = Math.max(attempt, mostAttempts)
  return (
    <span className={`status ${look.tone}`}>
      <span className="sign" aria-hidden="true">{look.sign}</span>
      <span className="words">{look.words}{attempt > 0 && most > 1 ? ` ${attempt}/${most}` : ""} · {kinds[node.kind] ?? node.assignTo}</span>
    </span>
  )
}

export const GraphTab = ({ route }: { readonly route: Route.RunRoute }) => {
  const { problem, value: graph } = Atoms.shownOf(useAtomValue(Atoms.graph(route.run)))
  // What waits for what does not change while the states of tasks do.
  const shape = graph === undefined ? "" : JSON.stringify([graph.nodes.length, graph.edges])
  const layout = useMemo(() => GraphLayout.of(graph?.nodes.length ?? 0, graph?.edges ?? []), [shape])
  if (graph === undefined) return <Problem problem={problem} isRead={false} />
  return (
    <>
      <Problem problem={problem} isRead />
      {!graph.isGrouped ? null : (
        <p className="faint">
          {Words.count(graph.tasks, "task")} are too many to be drawn one by one: a node is the tasks of a team that are about
          equally far from its beginning. It leads to them.
        </p>
      )}
      {graph.omitted === 0 ? null : <p className="faint">{Words.count(graph.omitted, "connection")} are not drawn.</p>}
      <div className="graph" tabIndex={0} role="region" aria-label="Graph of the tasks">
        <div className="canvas" style={{ width: layout.width, height: layout.height }}>
          <svg width={layout.width} height={layout.height} aria-hidden="true">
            {layout.edges.map((points, index) => <path key={index} d={GraphLayout.pathOf(points)} />)}
          </svg>
          <ul>
            {graph.nodes.map((node, index) => {
              const { height, width, x, y } = layout.boxes[index] ?? { x: 0, y: 0, ...GraphLayout.nodeSize }
              return (
                <li key={node.id} style={{ left: x, top: y, width, height }}>
                  <Link to={routeOf(route, node)} className={`node ${toneOf(node)}${node.kind === "group" ? " several" : ""}`}>
                    <span className="name">{node.kind === "group" ? `${node.team}, ${node.label}` : node.label}{node.total > 1 ? ` × ${node.total.toLocaleString("en")}` : ""}</span>
                    <Detail node={node} />
                  </Link>
                </li>
              )
            })}
          </ul>
        </div>
      </div>
    </>
  )
}
