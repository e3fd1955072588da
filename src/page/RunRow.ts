/** What the row of a run says. */
import * as DateTime from "effect/DateTime"
import type * as Schema from "effect/Schema"
import type * as ApiModel from "../server/ApiModel.ts"
import type * as RunViewModel from "../server/RunViewModel.ts"
import * as Words from "./Words.ts"

type Summary = Schema.Schema.Type<typeof ApiModel.Summary>
type Progress = Schema.Schema.Type<typeof RunViewModel.Progress>

/** The words of a row. */
export interface RunRow {
  readonly status: string | undefined
  readonly progress: { readonly ended: number; readonly failed: number; readonly total: number } | undefined
  readonly age: string
  readonly took: string
  readonly owner: string
  readonly left: string
}

const statusOf = ({ group, place, questions, status }: Summary): string | undefined => {
  if (status === "queued") {
    const where = place === undefined ? "queued" : `queued, place ${place}`
    return group === undefined ? where : `${where} in ${group.name}`
  }
  return questions === undefined || questions === 0 ? undefined : `${status}, ${Words.count(questions, "question")}`
}

/** The row of a run. Times that are not known are not told. */
export const of = (run: Summary, progress: Progress | undefined, now: number): RunRow => {
  const { endedAt, kept = 0, keptBranches = 0, left = 0, owner, startedAt, status } = run
  const begun = startedAt === undefined ? undefined : DateTime.toEpochMillis(startedAt)
  const end = endedAt === undefined ? (status === "running" ? now : undefined) : DateTime.toEpochMillis(endedAt)
  const remaining = [
    ...(left > 0 ? [`${left} left`] : []),
    ...(kept > 0 ? [`${kept} kept`] : []),
    ...(keptBranches > 0 ? [Words.count(keptBranches, "branch", "branches")] : [])
  ]
  return {
    status: statusOf(run),
    progress: progress === undefined ? undefined : { ended: progress.ended, failed: progress.failed, total: progress.tasks },
    age: begun === undefined ? "" : Words.ago(now - begun),
    took: begun === undefined || end === undefined || status === "queued" ? "" : Words.lasted(end - begun),
    owner: owner ?? (status === "interrupted" ? "nobody" : ""),
    left: remaining.join(", ")
  }
}
