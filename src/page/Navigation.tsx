/** Where the page is, and how it gets elsewhere: by the address, which can be kept and sent. */
import { type MouseEvent, type ReactNode, useMemo, useSyncExternalStore } from "react"
import * as Route from "./Route.ts"

const listeners = new Set<() => void>()

const subscribe = (listener: () => void) => {
  listeners.add(listener)
  addEventListener("popstate", listener)
  return () => {
    listeners.delete(listener)
    removeEventListener("popstate", listener)
  }
}

const address = (): string => `${location.pathname}${location.search}`

/** Goes to another part of the page. What only narrows what is shown takes the place of the entry in the history. */
export const go = (route: Route.Route, isRefinement = false): void => {
  const target = Route.format(route)
  if (target === address()) return
  if (isRefinement) history.replaceState(null, "", target)
  else history.pushState(null, "", target)
  for (const listener of listeners) listener()
  if (!isRefinement) document.querySelector("main")?.focus()
}

/** What the address says. */
export const useRoute = (): Route.Route => {
  const at = useSyncExternalStore(subscribe, address)
  return useMemo(() => {
    const url = new URL(at, location.origin)
    return Route.parse(url.pathname, url.search)
  }, [at])
}

/** A link within the page. */
export const Link = ({ children, className, current, label, to }: {
  readonly to: Route.Route
  readonly children: ReactNode
  readonly className?: string | undefined
  readonly current?: boolean | undefined
  readonly label?: string | undefined
}) => {
  const onClick = (event: MouseEvent) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    go(to)
  }
  return <a href={Route.format(to)} onClick={onClick} className={className} aria-current={current ? "page" : undefined} aria-label={label}>{children}</a>
}
