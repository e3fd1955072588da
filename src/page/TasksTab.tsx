/** The tasks of a run. */
import { useAtomValue } from "@effect-atom/atom-react/Hooks"
import * as Atoms from "./Atoms.ts"
import { go, Link } from "./Navigation.tsx"
import { Problem } from "./Notice.tsx"
import type * as Route from "./Route.ts"
import * as Status from "./Status.ts"
import { StatusMark } from "./StatusMark.tsx"
import { taskRows, useTasks } from "./TaskRows.tsx"
import * as TaskWords from "./TaskWords.ts"
import { Cell, VirtualTable } from "./VirtualTable.tsx"

export const TaskFilters = ({ route, total }: { readonly route: Route.RunRoute; readonly total: number | undefined }) => (
  <form role="search" className="filters" onSubmit={(event) => event.preventDefault()}>
    <label>
      <span>Search</span>
      <input type="search" placeholder="team, task or agent" value={route.search} onChange={({ target }) => go({ ...route, search: target.value }, true)} />
    </label>
    <label>
      <span>Status</span>
      <select value={route.status} onChange={({ target }) => go({ ...route, status: target.value }, true)}>
        <option value="">all</option>
        {Status.ofTasks.map((status) => <option key={status} value={status}>{Status.lookOf(status).words}</option>)}
      </select>
    </label>
    {route.group === "" ? null : <button type="button" onClick={() => go({ ...route, group: "" }, true)}>Tasks of all groups</button>}
    <span className="faint" role="status">{total === undefined ? "" : `${total.toLocaleString("en")} tasks`}</span>
  </form>
)

export const TasksTab = ({ route }: { readonly route: Route.RunRoute }) => {
  const { problem, value } = useTasks(route)
  const now = Atoms.valueOf(useAtomValue(Atoms.now), 0)
  return (
    <>
      <TaskFilters route={route} total={value?.total} />
      <Problem problem={problem} isRead={value !== undefined} />
      {value === undefined ? null : (
        <VirtualTable
          label="Tasks"
          name="tasks"
          columns={["Task", "State", "Attempt", "Took", "Assigned to", "Problem"]}
          total={value.total}
          heights={[32, 56]}
          empty="No task is like that."
          renderRows={taskRows(route, (task) => (
            <>
              <Cell className="c-task">
                <span className="faint">{task.team}/</span>
                <Link to={{ ...route, task: `${task.team}/${task.subject}` }}>{task.subject}</Link>
              </Cell>
              <Cell className="c-state"><StatusMark status={task.status} words={TaskWords.state(task, now)} /></Cell>
              <Cell className="c-attempt">{TaskWords.attempts(task)}</Cell>
              <Cell className="c-took">{now === 0 ? "" : TaskWords.took(task, now)}</Cell>
              <Cell className="c-assignee">{task.isGate ? "a person" : task.uses ?? task.assignTo}</Cell>
              <Cell className="c-problem">{task.problem ?? ""}</Cell>
            </>
          ))}
        />
      )}
    </>
  )
}
