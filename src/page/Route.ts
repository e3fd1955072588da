/** What the address of the page says: which part of it is shown, and what of that. */

/** The parts of what is shown of a run. */
export const tabs = ["tasks", "graph", "time", "events", "resources"] as const
export type Tab = (typeof tabs)[number]

/** What is shown of a run. */
export type RunRoute = Extract<Route, { readonly page: "run" }>

/** What is shown. Filters that are empty are not in the address. */
export type Route =
  | { readonly page: "runs"; readonly status: string; readonly search: string }
  | {
    readonly page: "run"
    readonly run: string
    readonly tab: Tab
    /** The task that is shown in full, as `TEAM/SUBJECT`. */
    readonly task: string
    readonly status: string
    readonly search: string
    /** The id of the group of the graph whose tasks are shown. */
    readonly group: string
    /** The beginning of the tags of the events that are shown. */
    readonly only: string
  }
  | { readonly page: "leftovers" | "runners" | "schedules" | "login" | "unknown" }

const isTab = (text: string): text is Tab => tabs.some((tab) => tab === text)

/** Reads an address. */
export const parse = (path: string, query: string): Route => {
  const params = new URLSearchParams(query)
  const text = (name: string) => params.get(name) ?? ""
  const [first = "", second = "", ...rest] = path.split("/").slice(1)
  if (rest.length > 0) return { page: "unknown" }
  if (first === "") return { page: "runs", status: text("status"), search: text("search") }
  if (first === "runs" && second !== "") {
    const tab = text("tab")
    return {
      page: "run",
      run: decodeURIComponent(second),
      tab: isTab(tab) ? tab : "tasks",
      task: text("task"),
      status: text("status"),
      search: text("search"),
      group: text("group"),
      only: text("only")
    }
  }
  if (second !== "") return { page: "unknown" }
  return first === "leftovers" || first === "runners" || first === "schedules" || first === "login" ? { page: first } : { page: "unknown" }
}

const query = (params: Readonly<Record<string, string>>): string => {
  const kept = new URLSearchParams(Object.entries(params).filter(([, value]) => value !== ""))
  return kept.size === 0 ? "" : `?${kept}`
}

/** Writes an address, which {@link parse} reads. */
export const format = (route: Route): string => {
  switch (route.page) {
    case "runs":
      return `/${query({ status: route.status, search: route.search })}`
    case "run": {
      const { group, only, run, search, status, tab, task } = route
      return `/runs/${encodeURIComponent(run)}${query({ tab: tab === "tasks" ? "" : tab, task, status, search, group, only })}`
    }
    case "unknown":
      return "/"
    default:
      return `/${route.page}`
  }
}

/** All runs. */
export const runs: Extract<Route, { readonly page: "runs" }> = { page: "runs", status: "", search: "" }

/** A run, from its beginning. */
export const run = (id: string, tab: Tab = "tasks"): RunRoute => ({ page: "run", run: id, tab, task: "", status: "", search: "", group: "", only: "" })
