/** What there is to say: of what was done, or why something is not shown. */
import type { Told } from "./useAction.ts"

export const Notice = ({ onClose, told }: { readonly told: Told | undefined; readonly onClose: () => void }) => (
  <div role="status" className="notices">
    {told === undefined ? null : (
      <p className={told.isProblem ? "notice problem" : "notice"}>
        <span>{told.isProblem ? "Not done: " : ""}{told.text}</span>
        <button type="button" className="plain" onClick={onClose} aria-label="Close this notice">×</button>
      </p>
    )}
  </div>
)

/** What is shown in the place of something that can not be shown. */
export const Problem = ({ isRead, problem }: { readonly problem: string | undefined; readonly isRead: boolean }) =>
  problem === undefined
    ? isRead ? null : <p className="empty" role="status">Reading…</p>
    : <p className="notice problem" role="alert">{isRead ? `This is not up to date: ${problem}` : problem}</p>
