/**
 * The parts of a run as spans, and what its log entries carry: what each is called, and which spans are parts of a run at all,
 * among those of functions and statements that nobody follows a run by.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberRef from "effect/FiberRef"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"

/** Whether a span is a part of a run, or a request that is made for one. It is in the context that a tracer is given of the span. */
export class IsStep extends Context.Reference<IsStep>()("telemachy/run/RunSpan/IsStep", {
  defaultValue: (): boolean => false
}) {}

/** Whether requests are made here again and again, of which the trace of a long run would have thousands: they are no part of it. */
export class IsRepeated extends Context.Reference<IsRepeated>()("telemachy/run/RunSpan/IsRepeated", {
  defaultValue: (): boolean => false
}) {}

type Attributes = Readonly<Record<string, string | number | boolean>>

/** A part of a run. */
interface Step<A> {
  readonly name: string
  /** What it has, and each part of a run within it as well. */
  readonly attributes?: Attributes
  /** What each log entry within it carries. */
  readonly logged?: Readonly<Record<string, string>>
  /** Why it has failed, of one that answers that instead of failing. */
  readonly problemOf?: (value: A) => string | undefined
}

/** Runs an effect in a span, which has failed as well when its answer says so. */
const within = <A>({ attributes = {}, logged, name, problemOf }: Step<A>) => <E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.useSpan(name, { attributes, captureStackTrace: false, context: Context.make(IsStep, true) }, (span) =>
    Effect.tap(Effect.withParentSpan(logged === undefined ? effect : Effect.annotateLogs(effect, logged), span), (value) =>
      failing(span, problemOf?.(value))))

/** Ends a span that has failed, for this reason: it does not end once more after that. */
const failing = (span: Tracer.Span, problem: string | undefined): Effect.Effect<void> =>
  problem === undefined ? Effect.void : Effect.map(Clock.currentTimeNanos, (now) => span.end(now, Exit.fail(problem)))

/** Looks through what is not recorded, as a new span does. */
const recorded = (span: Tracer.AnySpan): Option.Option<Tracer.AnySpan> => {
  if (!Context.get(span.context, Tracer.DisablePropagation)) return Option.some(span)
  return span._tag === "Span" ? Option.flatMap(span.parent, recorded) : Option.none()
}

/** The span that is recorded here, or that of another program whose trace is continued, if any is. */
const parent = Effect.contextWith((context: Context.Context<never>) => Option.flatMap(Context.getOption(context, Tracer.ParentSpan), recorded))

/** Runs an effect as a run, which has one of these outcomes. */
export const run = (of: { readonly id: string; readonly workflow: string; readonly outcomeOf: (exit: Exit.Exit<unknown, unknown>) => string }) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  within<A>({
    name: `run ${of.workflow}`,
    attributes: { "telemachy.run.id": of.id, "telemachy.workflow.name": of.workflow }
  })(Effect.flatMap(parent, (recorded) =>
    Effect.annotateLogs(effect, {
      run: of.id,
      workflow: of.workflow,
      ...Option.match(recorded, { onNone: () => ({}), onSome: ({ traceId: trace }) => ({ trace }) })
    })).pipe(Effect.onExit((exit) => Effect.annotateCurrentSpan("telemachy.run.outcome", of.outcomeOf(exit)))))

/** Runs an effect as the preflight of a run. */
export const preflight = <E, R>(effect: Effect.Effect<void, E, R>) => within<void>({ name: "preflight" })(effect)

/** Runs an effect as the teardown of a run. */
export const teardown = <E, R>(effect: Effect.Effect<void, E, R>) => within<void>({ name: "teardown" })(effect)

/** Makes or finds an agent. */
export const agent = (name: string) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  within<A>({ name: `agent ${name}`, attributes: { "telemachy.agent.name": name }, logged: { agent: name } })(effect)

/** Makes or finds a team. */
export const team = (name: string) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  within<A>({ name: `team ${name}`, attributes: { "telemachy.team.name": name }, logged: { team: name } })(effect)

const isWell = (status: string): boolean => status === "completed" || status === "skipped"

/** Does a task, and answers with its status. */
export const task = (of: { readonly team: string; readonly subject: string }) => <A extends string, E, R>(effect: Effect.Effect<A, E, R>) =>
  within<A>({
    name: `task ${of.subject}`,
    attributes: { "telemachy.team.name": of.team, "telemachy.task.subject": of.subject },
    logged: { team: of.team, task: of.subject },
    problemOf: (status) => (isWell(status) ? undefined : status)
  })(Effect.tap(effect, (status) => Effect.annotateCurrentSpan("telemachy.task.status", status)))

/** How an attempt at a task ends. */
interface AttemptEnd {
  readonly id: string
  readonly status: string
}

/** Makes an attempt at a task, and waits for its end, of which nothing but the end is a part of it: who waits long holds little. */
export const attempt = <A, E, R, B extends AttemptEnd, E2, R2>(
  number: number,
  begin: Effect.Effect<A, E, R>,
  awaitEnd: (begun: A) => Effect.Effect<B, E2, R2>
): Effect.Effect<B, E | E2, R | R2> =>
  Effect.useSpan(`attempt ${number}`, { attributes: { "telemachy.task.attempt": number }, captureStackTrace: false, context: Context.make(IsStep, true) }, (span) =>
    Effect.flatMap(Effect.withParentSpan(begin, span), awaitEnd).pipe(Effect.tap(({ id, status }) => {
      span.attribute("telemachy.task.id", id)
      span.attribute("telemachy.task.status", status)
      return failing(span, isWell(status) ? undefined : status)
    })))

/**
 * The value by which another program continues the trace that is recorded or continued here, as W3C Trace Context has it
 * (https://www.w3.org/TR/trace-context/, `traceparent`); nothing where there is none.
 */
export const traceparent: Effect.Effect<string | undefined> = Effect.map(parent, Option.match({
  onNone: () => undefined,
  onSome: ({ sampled, spanId, traceId }) => `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`
}))

/** A span that is looked through, and has none around it. */
const none = () =>
  Tracer.externalSpan({ traceId: "0".repeat(32), spanId: "0".repeat(16), sampled: false, context: Context.make(Tracer.DisablePropagation, true) })

/** Runs what belongs to no run alone, though one has begun it. */
export const ofNoRun = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(
    Effect.locally(FiberRef.currentLogAnnotations, HashMap.empty<string, unknown>()),
    Effect.provideService(Tracer.ParentSpan, none())
  )
