/** What the page shows, as atoms: each is kept up to date as long as something shows it. */
import * as Atom from "@effect-atom/atom/Atom"
import * as Result from "@effect-atom/atom/Result"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { RunStatus } from "../run/RunStatus.ts"
import * as RunsClient from "../server/RunsClient.ts"
import * as RunViewModel from "../server/RunViewModel.ts"
import * as Connection from "./Connection.ts"
import * as Live from "./Live.ts"
import * as LogTail from "./LogTail.ts"
import * as RunList from "./RunList.ts"
import * as Visibility from "./Visibility.ts"

/** Layer that knows whether the document can be seen. */
const visibility = Layer.scoped(Visibility.Visibility, Effect.gen(function*() {
  const ref = yield* SubscriptionRef.make(document.visibilityState === "visible")
  const changes = Stream.fromEventListener(document, "visibilitychange")
  yield* Effect.forkScoped(Stream.runForEach(changes, () => SubscriptionRef.set(ref, document.visibilityState === "visible")))
  return ref
}))

const http = Layer.provide(Connection.httpClient, FetchHttpClient.layer)

// The cookie of the session goes with each request to where the page is from, and the page asks nothing else.
const client = Layer.provide(RunsClient.layer({ url: location.origin, requireTls: false }), http)

const runtime = Atom.runtime(
  Live.layer.pipe(
    Layer.provideMerge(client),
    Layer.provideMerge(Layer.merge(visibility, Connection.layer))
  )
)

/** The value of an atom, or what stands for it until there is one. */
export const valueOf = <A, E>(result: Result.Result<A, E>, otherwise: A): A => Option.getOrElse(Result.value(result), () => otherwise)

/** What is shown of an atom that is asked for. */
export const shownOf = <A, E>(result: Result.Result<Live.Shown<A>, E>): Live.Shown<A> => valueOf<Live.Shown<A>, E>(result, Live.nothing)

/** What is known of the server. */
export const connection = runtime.subscriptionRef(() => Connection.Connection)

type Client = RunsClient.RunsClient["Type"]

const ask = <A, E>(question: (client: Client) => Effect.Effect<A, E>) => Effect.flatMap(RunsClient.RunsClient, question)

/** How often it is looked whether the server is there, though nothing else is asked. */
const lookEvery = "5 seconds"

/** How often what does not change from one moment to the next is asked for. */
const askEvery = "3 seconds"

/** Who is logged in. */
export const session = runtime.atom(Live.polled(ask(({ session }) => session.who()), lookEvery))

/** The time, each second, in milliseconds since 1970. */
export const now = runtime.atom(Stream.mapEffect(Stream.fromSchedule(Schedule.spaced("1 second")), () => Clock.currentTimeMillis))

/** What all runs have left. */
export const leftovers = runtime.atom(Live.polled(ask(({ about }) => about.leftovers()), askEvery))

/** The runners that live. */
export const runners = runtime.atom(Live.polled(ask(({ about }) => about.runners()), askEvery))

/** How many schedules are shown. */
export const mostSchedules = 1000

/** The schedules that are on record. */
export const schedules = runtime.atom(Live.polled(ask(({ schedules }) => schedules.list({ urlParams: { limit: mostSchedules } })), askEvery))

const isStatus = Schema.is(RunStatus)

const Filter = Schema.parseJson(Schema.Struct({ status: Schema.String, search: Schema.String }))

/** The key of a list of runs. */
export const filterKey = Schema.encodeSync(Filter)

const filterOf = (key: string): RunList.Filter => {
  const { search, status } = Schema.decodeSync(Filter)(key)
  return { ...(isStatus(status) ? { status } : {}), ...(search === "" ? {} : { search }) }
}

/** A list of runs, by {@link filterKey}. */
export const runList = Atom.family((key: string) => runtime.atom(RunList.make(filterOf(key))))

/** What was read of it. */
export const runListState = Atom.family((key: string) =>
  runtime.atom((get) => Stream.unwrap(Effect.map(get.result(runList(key)), ({ state }) => state.changes))))

/** What something asks of a run, which it is told anew whenever it may be another. */
const ofRun = <A, E>(run: string, question: (client: Client) => Effect.Effect<A, E>) =>
  runtime.atom(Stream.unwrap(Effect.zipWith(Live.Live, RunsClient.RunsClient, (live, client) => live.of(run, question(client)))))

/** How a run is followed. */
export const change = Atom.family((run: string) => runtime.atom(Stream.unwrap(Effect.map(Live.Live, (live) => live.changes(run)))))

/** A run without its tasks. */
export const runView = Atom.family((run: string) => ofRun(run, ({ views }) => views.run({ path: { run } })))

/** The graph of its tasks. */
export const graph = Atom.family((run: string) => ofRun(run, ({ views }) => views.graph({ path: { run } })))

/** Its course in time. */
export const timeline = Atom.family((run: string) => ofRun(run, ({ views }) => views.timeline({ path: { run } })))

const TasksKey = Schema.parseJson(Schema.Struct({
  run: Schema.String,
  from: Schema.Int,
  limit: Schema.Int,
  status: Schema.String,
  search: Schema.String,
  group: Schema.String
}))

/** The key of a part of the tasks of a run. */
export const tasksKey = Schema.encodeSync(TasksKey)

const isTaskStatus = Schema.is(RunViewModel.TaskStatus)

/** A part of the tasks of a run, by {@link tasksKey}. */
export const tasks = Atom.family((key: string) => {
  const { from, group, limit, run, search, status } = Schema.decodeSync(TasksKey)(key)
  const urlParams = {
    from,
    limit,
    status: isTaskStatus(status) ? status : undefined,
    search: search === "" ? undefined : search,
    group: group === "" ? undefined : group
  }
  return ofRun(run, ({ views }) => views.tasks({ path: { run }, urlParams }))
})

const TaskKey = Schema.parseJson(Schema.Struct({ run: Schema.String, task: Schema.String, attempt: Schema.Int }))

/** The key of a task, or of an attempt at it, which is 0 for the latest. */
export const taskKey = Schema.encodeSync(TaskKey)

/** A task in full, by {@link taskKey}. */
export const task = Atom.family((key: string) => {
  const { run, task } = Schema.decodeSync(TaskKey)(key)
  return ofRun(run, ({ views }) => views.task({ path: { run }, urlParams: { task } }))
})

/** What an attempt at a task has written so far, by {@link taskKey}. */
export const log = Atom.family((key: string) => {
  const { attempt, run, task } = Schema.decodeSync(TaskKey)(key)
  return runtime.atom(LogTail.follow(run, task, attempt === 0 ? undefined : attempt))
})

const LinesKey = Schema.parseJson(Schema.Struct({ run: Schema.String, from: Schema.Int, limit: Schema.Int, only: Schema.String, search: Schema.String }))

/** The key of a part of the events of a run. */
export const linesKey = Schema.encodeSync(LinesKey)

/** A part of the events of a run in words, by {@link linesKey}. */
export const lines = Atom.family((key: string) => {
  const { from, limit, only, run, search } = Schema.decodeSync(LinesKey)(key)
  const urlParams = { from, limit, only: only === "" ? undefined : only, search: search === "" ? undefined : search }
  return ofRun(run, ({ views }) => views.lines({ path: { run }, urlParams }))
})

/** Does something, and tells what became of it or why it was not done: what `useAtomSet` is called with. */
export const act = runtime.fn((change: (client: Client) => Effect.Effect<string, { readonly message: string }>) => ask(change), { concurrent: true })
