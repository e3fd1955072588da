/** Asks before something is done, and says what will happen then. */
import { type ReactNode, useEffect, useId, useRef } from "react"

export const Dialog = ({ children, confirm, isBusy = false, isGrave = false, onClose, onConfirm, title }: {
  readonly title: string
  readonly confirm: string
  readonly isGrave?: boolean | undefined
  readonly isBusy?: boolean | undefined
  readonly onConfirm: () => void
  readonly onClose: () => void
  readonly children: ReactNode
}) => {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const element = dialog.current
    if (element !== null && !element.open) element.showModal()
  }, [])
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose}>
      <h2 id={id}>{title}</h2>
      <div className="says">{children}</div>
      <div className="buttons">
        <button type="button" onClick={() => dialog.current?.close()}>Back</button>
        <button type="button" className={isGrave ? "grave" : "primary"} disabled={isBusy} onClick={onConfirm}>{confirm}</button>
      </div>
    </dialog>
  )
}
