/** A status as its sign and its words. */
import * as Status from "./Status.ts"

export const StatusMark = ({ status, words }: { readonly status: string; readonly words?: string | undefined }) => {
  const look = Status.lookOf(status)
  return (
    <span className={`status ${look.tone}`}>
      <span className="sign" aria-hidden="true">{look.sign}</span>
      <span className="words">{words ?? look.words}</span>
    </span>
  )
}

/** How many tasks have which status, in the order in which statuses are told. */
export const Counts = ({ counts }: { readonly counts: Readonly<Record<string, number>> }) => (
  <span className="counts">
    {Status.ofTasks.flatMap((status) => {
      const number = counts[status] ?? 0
      const look = Status.lookOf(status)
      return number === 0 ? [] : [
        <span key={status} className={`status ${look.tone}`}>
          <span className="sign" aria-hidden="true">{look.sign}</span>
          <span className="words">{number.toLocaleString("en")} {look.words}</span>
        </span>
      ]
    })}
  </span>
)

/** How much is done, as a bar and in words. */
export const ProgressBar = ({ ended, failed, total }: { readonly ended: number; readonly failed: number; readonly total: number }) => {
  const share = (number: number) => `${total === 0 ? 0 : (number / total) * 100}%`
  return (
    <span className="progress">
      <span className="bar" aria-hidden="true">
        <span className="done" style={{ width: share(ended - failed) }} />
        <span className="failed" style={{ width: share(failed) }} />
      </span>
      <span className="words">{ended.toLocaleString("en")}/{total.toLocaleString("en")}</span>
    </span>
  )
}
