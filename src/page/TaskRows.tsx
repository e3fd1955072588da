/** Tasks as rows: of many, those in sight are asked for, a part at a time. */
import { useAtomValue } from "@effect-atom/atom-react/Hooks"
import type { ReactNode } from "react"
import * as Atoms from "./Atoms.ts"
import type * as Route from "./Route.ts"
import type { TaskGlance } from "./TaskWords.ts"
import { chunks, type RowOf } from "./VirtualTable.tsx"

/** How many tasks are asked for at once. */
export const chunkSize = 100

const keyOf = ({ group, run, search, status }: Route.RunRoute, from: number): string => Atoms.tasksKey({ run, from, limit: chunkSize, status, search, group })

/** The tasks that are meant, from the first: how many there are, or what is wrong. */
export const useTasks = (route: Route.RunRoute) => Atoms.shownOf(useAtomValue(Atoms.tasks(keyOf(route, 0))))

const Chunk = ({ cells, end, from, route, row, start }: {
  readonly route: Route.RunRoute
  readonly start: number
  readonly from: number
  readonly end: number
  readonly row: RowOf
  readonly cells: (task: TaskGlance) => ReactNode
}) => {
  const { value } = Atoms.shownOf(useAtomValue(Atoms.tasks(keyOf(route, start))))
  const tasks = value?.tasks ?? []
  return Array.from({ length: Math.max(0, Math.min(end, start + chunkSize) - Math.max(from, start)) }, (_, offset) => {
    const index = Math.max(from, start) + offset
    const task: TaskGlance | undefined = tasks[index - start]
    return task === undefined
      ? row(index, <div role="cell" className="cell faint">…</div>)
      : row(index, cells(task), { isCurrent: `${task.team}/${task.subject}` === route.task })
  })
}

/** The rows of tasks from one to before another. */
export const taskRows = (route: Route.RunRoute, cells: (task: TaskGlance) => ReactNode) => (from: number, to: number, row: RowOf): ReactNode =>
  chunks(from, to, chunkSize).map((start) => <Chunk key={start} route={route} start={start} from={from} end={to} row={row} cells={cells} />)
