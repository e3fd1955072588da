/** A table of any length, of which only the rows in sight are there. */
import { useVirtualizer } from "@tanstack/react-virtual"
import { type ReactNode, useEffect, useRef, useSyncExternalStore } from "react"

const narrow = matchMedia("(max-width: 46rem)")

const subscribe = (listener: () => void) => {
  narrow.addEventListener("change", listener)
  return () => narrow.removeEventListener("change", listener)
}

/** Whether the page is as narrow as on a phone. */
export const useIsNarrow = (): boolean => useSyncExternalStore(subscribe, () => narrow.matches)

export interface VirtualTableProps {
  readonly label: string
  /** Names its columns for its style: `table-NAME`. */
  readonly name: string
  readonly columns: ReadonlyArray<string>
  readonly total: number
  /** The height of a row in pixels, and that on a phone. */
  readonly heights: readonly [wide: number, narrow: number]
  /** The cells of rows from one to before another. */
  readonly renderRows: (from: number, to: number, row: RowOf) => ReactNode
  readonly onSight?: ((from: number, to: number) => void) | undefined
  /** Whether it stays at its end as it grows. */
  readonly isAtEnd?: boolean | undefined
  readonly empty: ReactNode
}

/** Puts cells into their row. */
export type RowOf = (index: number, cells: ReactNode, options?: { readonly isCurrent?: boolean; readonly className?: string }) => ReactNode

export const Cell = ({ children, className }: { readonly children?: ReactNode; readonly className?: string }) => (
  <div role="cell" className={className === undefined ? "cell" : `cell ${className}`}>{children}</div>
)

export const VirtualTable = (props: VirtualTableProps) => {
  const { columns, empty, heights: [wide, small], isAtEnd = false, label, name, onSight, renderRows, total } = props
  const height = useIsNarrow() ? small : wide
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({ count: total, getScrollElement: () => scroller.current, estimateSize: () => height, overscan: 12 })
  const items = virtual.getVirtualItems()
  const [from, to] = [items[0]?.index ?? 0, (items.at(-1)?.index ?? -1) + 1]

  useEffect(() => virtual.measure(), [height, virtual])
  useEffect(() => onSight?.(from, to), [from, to, onSight])
  useEffect(() => {
    const element = scroller.current
    if (isAtEnd && element !== null) element.scrollTop = element.scrollHeight
  }, [isAtEnd, total, height])

  const row: RowOf = (index, cells, { className, isCurrent = false } = {}) => (
    <div
      key={index}
      role="row"
      aria-rowindex={index + 2}
      className={`row${className === undefined ? "" : ` ${className}`}${isCurrent ? " current" : ""}`}
      style={{ height, transform: `translateY(${index * height}px)` }}
    >
      {cells}
    </div>
  )
  if (total === 0) return <p className="empty">{empty}</p>
  return (
    <div role="table" aria-label={label} aria-rowcount={total + 1} className={`table table-${name}`}>
      <div role="rowgroup" className="head">
        <div role="row" aria-rowindex={1} className="row">
          {columns.map((column) => <div key={column} role="columnheader" className="cell">{column}</div>)}
        </div>
      </div>
      <div className="scroller" ref={scroller} tabIndex={0} role="rowgroup" aria-label={`${label}, rows`}>
        <div role="presentation" className="rows" style={{ height: virtual.getTotalSize() }}>{renderRows(from, to, row)}</div>
      </div>
    </div>
  )
}

/** Calls for each part of a list that rows are in. */
export const chunks = (from: number, to: number, size: number): ReadonlyArray<number> => {
  if (to <= from) return []
  const first = Math.floor(from / size)
  return Array.from({ length: Math.floor((to - 1) / size) - first + 1 }, (_, index) => (first + index) * size)
}
