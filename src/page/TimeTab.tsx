/** The course of a run in time: what it did, when Agamemnon was away, how long what it made was there, and its tasks. */
import { useAtomValue } from "@effect-atom/atom-react/Hooks"
import * as DateTime from "effect/DateTime"
import type { ReactNode } from "react"
import * as Atoms from "./Atoms.ts"
import { Link } from "./Navigation.tsx"
import { Problem } from "./Notice.tsx"
import type * as Route from "./Route.ts"
import * as Status from "./Status.ts"
import { TaskFilters } from "./TasksTab.tsx"
import { taskRows, useTasks } from "./TaskRows.tsx"
import * as TaskWords from "./TaskWords.ts"
import * as TimeScale from "./TimeScale.ts"
import { Cell, VirtualTable } from "./VirtualTable.tsx"
import * as Words from "./Words.ts"

const percent = (part: number): string => `${part * 100}%`

const Bar = ({ className, from, scale, title, to }: {
  readonly scale: TimeScale.TimeScale
  readonly from: number
  readonly to: number | undefined
  readonly className: string
  readonly title: string
}) => {
  const { left, width } = TimeScale.part(scale, from, to)
  return <span className={`mark ${className}`} style={{ left: percent(left), width: percent(width) }} title={title} role="img" aria-label={title} />
}

const Track = ({ children, name }: { readonly name: string; readonly children: ReactNode }) => (
  <div className="track"><span className="track-name" title={name}>{name}</span><span className="line">{children}</span></div>
)

const phases: Readonly<Record<string, string>> = {
  queued: "waits for a runner",
  preparing: "prepares: agents and teams",
  working: "does its tasks",
  teardown: "tears down",
  "handed over": "handed over, waits for another process",
  interrupted: "nobody drives it",
  away: "Agamemnon does not answer",
  unrecorded: "events can not be written"
}

const ends: Readonly<Record<string, string>> = { removed: "removed", kept: "kept on purpose", left: "could not be removed" }

export const TimeTab = ({ route, total }: { readonly route: Route.RunRoute; readonly total: number }) => {
  const { problem, value: time } = Atoms.shownOf(useAtomValue(Atoms.timeline(route.run)))
  const now = Atoms.valueOf(useAtomValue(Atoms.now), 0)
  const tasks = useTasks(route)
  if (time === undefined) return <Problem problem={problem} isRead={false} />
  const scale = TimeScale.make(
    time.from === undefined ? undefined : DateTime.toEpochMillis(time.from),
    time.to === undefined ? Math.max(now, time.from === undefined ? 0 : DateTime.toEpochMillis(time.from)) : DateTime.toEpochMillis(time.to)
  )
  const millis = (at: DateTime.Utc | undefined) => (at === undefined ? undefined : DateTime.toEpochMillis(at))
  const took = (from: number, to: number | undefined) => Words.lasted((to ?? scale.to) - from)
  const spans = (isMeant: (kind: string) => boolean) =>
    time.spans.filter(({ kind }) => isMeant(kind)).map(({ detail, from, kind, to }, index) => {
      const [begin, end] = [DateTime.toEpochMillis(from), millis(to)]
      const title = `${phases[kind] ?? kind}: ${took(begin, end)} from ${Words.clock(begin, scale.to)}${detail === undefined ? "" : ` (${detail})`}`
      return <Bar key={index} scale={scale} from={begin} to={end} className={`phase-${kind.replaceAll(" ", "-")}`} title={title} />
    })
  const isAway = time.spans.some(({ kind }) => kind === "away")
  return (
    <>
      <Problem problem={problem} isRead />
      <div className="timeline">
        <div className="track axis" aria-hidden="true">
          <span className="track-name" />
          <span className="line">
            {TimeScale.ticks(scale).map((tick) => <span key={tick} className="tick" style={{ left: percent(TimeScale.at(scale, tick)) }}>{Words.lasted(tick - scale.from)}</span>)}
          </span>
        </div>
        <Track name="Run">{spans((kind) => kind !== "away" && kind !== "unrecorded")}</Track>
        <Track name="Agamemnon">{isAway ? spans((kind) => kind === "away") : <span className="faint note">has answered throughout, as far as the record goes</span>}</Track>
        {time.spans.some(({ kind }) => kind === "unrecorded") ? <Track name="Record">{spans((kind) => kind === "unrecorded")}</Track> : null}
        <div className="lives" tabIndex={0} role="region" aria-label="What it made">
          {time.lives.map(({ end, from, kind, name, to }) => {
            const begin = DateTime.toEpochMillis(from)
            return (
              <Track key={`${kind}/${name}`} name={`${kind} ${name}`}>
                <Bar
                  scale={scale}
                  from={begin}
                  to={millis(to)}
                  className={`life ${end === undefined ? "active" : Status.lookOf(end).tone}`}
                  title={`${kind} ${name}: there for ${took(begin, millis(to))}${end === undefined ? "" : `, then ${ends[end] ?? end}`}`}
                />
              </Track>
            )
          })}
        </div>
        {time.omittedLives === 0 ? null : <p className="faint">{Words.count(time.omittedLives, "resource")} more are not shown.</p>}
        <p className="legend" aria-hidden="true">
          {Object.entries(phases).filter(([kind]) => time.spans.some((span) => span.kind === kind)).map(([kind, words]) => (
            <span key={kind}><span className={`mark phase-${kind.replaceAll(" ", "-")}`} /> {words}</span>
          ))}
        </p>
      </div>
      <TaskFilters route={route} total={tasks.value?.total ?? total} />
      {tasks.value === undefined ? null : (
        <VirtualTable
          label="Tasks in time"
          name="time"
          columns={["Task", "When", "Took"]}
          total={tasks.value.total}
          heights={[26, 44]}
          empty="No task is like that."
          renderRows={taskRows(route, (task) => {
            const known = TaskWords.times(task)
            const words = TaskWords.state(task, scale.to)
            return (
              <>
                <Cell className="c-task"><Link to={{ ...route, task: `${task.team}/${task.subject}` }}>{task.subject}</Link></Cell>
                <Cell className="c-when">
                  <span className="line">
                    {known === undefined ? <span className="faint note">{words}</span> : (
                      <Bar scale={scale} from={known.from} to={known.to} className={`life ${Status.lookOf(task.status).tone}`} title={`${task.subject}: ${words}, ${took(known.from, known.to)}`} />
                    )}
                  </span>
                </Cell>
                <Cell className="c-took">{TaskWords.took(task, scale.to)}</Cell>
              </>
            )
          })}
        />
      )}
    </>
  )
}
