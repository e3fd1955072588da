/** Runs on an Agamemnon in memory that tells NATS what happens, in real time. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as NatsTaskFeed from "../../src/agamemnon/nats/NatsTaskFeed.ts"
import { TaskFeed } from "../../src/agamemnon/TaskFeed.ts"
import { type FakeAgamemnon, make } from "./FakeAgamemnon.ts"
import { eventually } from "./HttpQuestion.ts"
import { start, task, team, type TestRun, told, workflow } from "./TestRun.ts"

/** A workflow of so many tasks, each after the one before. */
export const chain = (length: number) =>
  workflow({ teams: [team("core", ...Arr.makeBy(length, (at) => task(`t${at}`, ...(at === 0 ? [] : [`t${at - 1}`]))))] })

/** Makes an Agamemnon whose tasks stay as they are until the test changes them. */
export const idle = (): FakeAgamemnon => {
  const fake = make()
  for (let at = 0; at < 100; at++) fake.begins.set(`t${at}`, "pending")
  return fake
}

/** The newest task of a subject. */
export const taskOf = (fake: FakeAgamemnon, subject: string) =>
  Option.getOrThrow(Arr.findLast(fake.tasks.values(), (each) => each.subject === subject))

/** Changes a task as Agamemnon does, and answers what it is now. */
export const change = (fake: FakeAgamemnon, subject: string, status: string) =>
  Effect.sync(() => {
    fake.change(subject, { status, result: `result of ${subject}` })
    return taskOf(fake, subject)
  })

/** Does something about every task as soon as it was submitted, not waiting for it. */
export const onSubmission = (fake: FakeAgamemnon, act: (subject: string) => Effect.Effect<unknown>) => {
  fake.on("createTask", (usual) =>
    Effect.tap(usual, () => {
      const { subject } = Option.getOrThrow(Arr.last(Arr.fromIterable(fake.tasks.values())))
      return Effect.forkDaemon(act(subject))
    }))
}

type Options = Partial<Omit<NatsTaskFeed.Options, "url">> & { readonly monitorPoll?: Duration.DurationInput }

/** Starts a run that hears what NATS at this address says. */
export const startWith = Effect.fnUntraced(function*(
  url: string,
  fake: Pick<FakeAgamemnon, "client">,
  length: number,
  { monitorPoll = "50 millis", ...options }: Options = {}
) {
  const events = yield* NatsTaskFeed.make({
    url: Redacted.make(url),
    timeout: "500 millis",
    probeInterval: "100 millis",
    ...options
  }).pipe(Effect.provide(NodeFileSystem.layer))
  return yield* start(fake, chain(length), { settings: { monitorPoll: Duration.decode(monitorPoll) } }).pipe(
    Effect.provideService(TaskFeed, events)
  )
})

/** Waits until something has been told, so many times. */
export const happens = (run: TestRun, what: string, times = 1) =>
  eventually(
    Effect.sync(() => told(run.events).filter((line) => line === what || line.startsWith(`${what} `)).length),
    (count) => count >= times
  )

/** Waits for the end of a run; whether it has completed. */
export const succeeds = (run: TestRun) =>
  run.ended.pipe(Effect.timeout("30 seconds"), Effect.map(Exit.isSuccess))

/** How often lists of tasks were read. */
export const reads = (fake: FakeAgamemnon) => fake.calls.filter((call) => call.startsWith("listTasks")).length

/** What the run has said of NATS, with the reasons. */
export const said = ({ events }: TestRun) =>
  events.flatMap((event) =>
    event._tag === "feed.lost" ? [`lost: ${event.reason}`] : event._tag === "feed.restored" ? ["restored"] : [])
