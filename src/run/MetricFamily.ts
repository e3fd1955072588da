/**
 * Metrics of one name, which differ in the values of their labels: defined once, with all that is said of them. The values of a
 * label are few, and none is an id.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"
import * as MetricLabel from "effect/MetricLabel"

/** What is said of a family. */
export interface Description {
  readonly name: string
  readonly description: string
  readonly type: "counter" | "gauge" | "histogram"
  /** The names of its labels. */
  readonly labels: ReadonlyArray<string>
}

type Values<Label extends string> = Readonly<Record<Label, string>>

/** Metrics that take numbers: a counter adds them, a gauge is what it was set to last, and a histogram sorts them. */
export interface MetricFamily<Label extends string> extends Description {
  /** Takes a number in, for these values of the labels. */
  readonly update: (value: number, labels: Values<Label>) => Effect.Effect<void>
}

/** Whether anything is counted. Defaults to true. */
export class IsCounting extends Context.Reference<IsCounting>()("telemachy/run/MetricFamily/IsCounting", {
  defaultValue: (): boolean => true
}) {}

const isCounting = ({ currentContext }: Fiber.RuntimeFiber<unknown, unknown>): boolean => Context.get(currentContext, IsCounting)

const make = <Label extends string, Type, Out>(
  description: Omit<Description, "labels">,
  labels: ReadonlyArray<Label>,
  makeMetric: () => Metric.Metric<Type, number, Out>
): MetricFamily<Label> => {
  /** Made when something is counted for the first time. */
  const known = new Map<string, Metric.Metric<Type, number, Out>>()
  const of = (values: Values<Label>) => {
    const key = labels.map((label) => values[label]).join("\n")
    const found = known.get(key) ?? Metric.taggedWithLabels(makeMetric(), labels.map((label) => MetricLabel.make(label, values[label])))
    known.set(key, found)
    return found
  }
  return {
    ...description,
    labels,
    update: (value, values) =>
      Effect.withFiberRuntime((fiber) => {
        if (isCounting(fiber)) of(values).unsafeUpdate(value, fiber.getFiberRef(FiberRef.currentMetricLabels))
        return Effect.void
      })
  }
}

/** Upper bounds of times in seconds, from what this machine answers to the longest that is waited for another. */
export const latencies: ReadonlyArray<number> = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** Counts, from 0 at the start of the process. */
export const counter = <const Label extends string = never>(name: string, description: string, ...labels: ReadonlyArray<Label>): MetricFamily<Label> =>
  make({ name, description, type: "counter" }, labels, () => Metric.counter(name, { description, incremental: true }))

/** Says how much there is. */
export const gauge = <const Label extends string = never>(name: string, description: string, ...labels: ReadonlyArray<Label>): MetricFamily<Label> =>
  make({ name, description, type: "gauge" }, labels, () => Metric.gauge(name, { description }))

/** Sorts amounts by upper bounds. */
export const histogram = <const Label extends string = never>(
  name: string,
  description: string,
  bounds: ReadonlyArray<number>,
  ...labels: ReadonlyArray<Label>
): MetricFamily<Label> =>
  make({ name, description, type: "histogram" }, labels, () => Metric.histogram(name, MetricBoundaries.fromIterable(bounds), description))

/** Takes in how an effect has ended and how long it took, where anything is counted. */
export const timed = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  count: (seconds: number, exit: Exit.Exit<A, E>) => Effect.Effect<void>
): Effect.Effect<A, E, R> => Effect.withFiberRuntime((fiber) => (isCounting(fiber) ? counted(effect, count) : effect))

const counted = <A, E, R>(effect: Effect.Effect<A, E, R>, count: (seconds: number, exit: Exit.Exit<A, E>) => Effect.Effect<void>) =>
  Effect.clockWith((clock) => {
    const begun = clock.unsafeCurrentTimeNanos()
    return Effect.onExit(effect, (exit) => count(Number(clock.unsafeCurrentTimeNanos() - begun) / 1e9, exit))
  })
