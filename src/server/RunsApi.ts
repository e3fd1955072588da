/**
 * The API of runs, described once: the server, the client and the OpenAPI text
 * all come from this description.
 */
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiMiddleware from "@effect/platform/HttpApiMiddleware"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as HttpApiSecurity from "@effect/platform/HttpApiSecurity"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Context from "effect/Context"
import * as Schema from "effect/Schema"
import { RunStatus } from "../run/RunStatus.ts"
import * as ApiError from "./ApiError.ts"
import * as ApiModel from "./ApiModel.ts"
import { views } from "./RunViewsApi.ts"

/** What the owner of a key may do: look, or change something as well. */
export const Role = Schema.Literal("read", "operate")
export type Role = typeof Role.Type

/** Who asks. */
export class Caller extends Context.Tag("telemachy/server/RunsApi/Caller")<Caller, {
  readonly role: Role
  /** Its name, for those who read of it elsewhere. */
  readonly name: string
}>() {}

/**
 * Asks for a key, as a bearer token.
 *
 * @effect-expect-leaking HttpServerRequest | ParsedSearchParams | RouteContext
 */
export class Authorization extends HttpApiMiddleware.Tag<Authorization>()("telemachy/server/RunsApi/Authorization", {
  failure: ApiError.UnauthorizedError,
  provides: Caller,
  security: {
    key: HttpApiSecurity.bearer
  }
}) {}

/** The largest page of a list. */
export const maxPageSize = 1000

/** How many items a page has when nothing is asked for. */
export const defaultPageSize = 100

/** How many runs an overview begins with when nothing is asked for. */
export const defaultNewest = 20

const pageSize = Schema.NumberFromString.pipe(Schema.int(), Schema.between(1, maxPageSize))

const place = Schema.NumberFromString.pipe(Schema.int(), Schema.nonNegative())

const runPath = Schema.Struct({
  run: Schema.NonEmptyString.annotations({
    description: "The id of a run, the beginning of it, the name of a workflow for its newest run, or `latest`"
  })
})

const system = HttpApiGroup.make("system")
  .add(
    HttpApiEndpoint.get("health", "/v1/health")
      .addSuccess(ApiModel.Health)
      .addError(ApiError.Journal)
      .annotate(OpenApi.Description, "Whether the server and its database answer. Needs no key.")
  )

const about = HttpApiGroup.make("about")
  .add(HttpApiEndpoint.get("version", "/v1/version").addSuccess(ApiModel.Version))
  .add(
    HttpApiEndpoint.get("runners", "/v1/runners")
      .addSuccess(Schema.Struct({ runners: Schema.Array(ApiModel.Runner), queued: Schema.Int }))
      .addError(ApiError.Journal)
      .annotate(OpenApi.Description, "The runners that live, and how many runs wait for one.")
  )
  .add(
    HttpApiEndpoint.get("leftovers", "/v1/leftovers")
      .addSuccess(ApiModel.Leftovers)
      .addError(ApiError.Journal)
      .annotate(OpenApi.Description, "All that runs without an owner have left or kept.")
  )
  .add(
    HttpApiEndpoint.get("metrics", "/metrics")
      .addSuccess(Schema.String.pipe(HttpApiSchema.withEncoding({ kind: "Text", contentType: "text/plain; version=0.0.4; charset=utf-8" })))
      .annotate(OpenApi.Description, "What this server has measured since it was started, and what its journal says of all runs, as Prometheus reads it.")
  )
  .middleware(Authorization)

const workflows = HttpApiGroup.make("workflows")
  .add(
    HttpApiEndpoint.post("validate", "/v1/workflows/validate")
      .setPayload(ApiModel.Workflow)
      .addSuccess(ApiModel.Checked)
      .annotate(OpenApi.Description, "What is wrong with a workflow, each problem with its line and column.")
  )
  .add(
    HttpApiEndpoint.post("plan", "/v1/workflows/plan")
      .setPayload(ApiModel.GivenWorkflow)
      .addSuccess(ApiModel.Plan)
      .addError(ApiError.Invalid)
      .addError(ApiError.InputsInvalid)
      .addError(ApiError.Unreadable)
      .annotate(OpenApi.Description, "What a run of a workflow would do. Nothing is made.")
  )
  .middleware(Authorization)

const runs = HttpApiGroup.make("runs")
  .add(
    HttpApiEndpoint.get("list", "/v1/runs")
      .setUrlParams(Schema.Struct({
        workflow: Schema.optional(Schema.NonEmptyString),
        status: Schema.optional(RunStatus),
        search: Schema.optional(Schema.NonEmptyString).annotations({
          description: "What the name of its workflow has in it, or its id begins with"
        }),
        after: Schema.optional(Schema.NonEmptyString),
        limit: Schema.optional(pageSize)
      }))
      .addSuccess(ApiModel.RunPage)
      .annotate(OpenApi.Description, "Runs, the newest first.")
  )
  .add(
    HttpApiEndpoint.post("submit", "/v1/runs")
      .setPayload(ApiModel.Submission)
      .addSuccess(ApiModel.Submitted, { status: 201 })
      .addError(ApiError.Invalid)
      .addError(ApiError.InputsInvalid)
      .addError(ApiError.Unreadable)
      .addError(ApiError.ForbiddenError)
      .annotate(OpenApi.Description, "Puts a run on record, for a runner to begin it.")
  )
  .add(
    HttpApiEndpoint.get("get", "/v1/runs/:run")
      .setPath(runPath)
      .addSuccess(ApiModel.Run)
      .annotate(OpenApi.Description, "How far a run has got.")
  )
  .add(
    HttpApiEndpoint.get("events", "/v1/runs/:run/events")
      .setPath(runPath)
      .setUrlParams(Schema.Struct({ from: Schema.optional(place), limit: Schema.optional(pageSize) }))
      .addSuccess(ApiModel.EventPage)
      .annotate(OpenApi.Description, "What has happened in a run, in its order.")
  )
  .add(
    HttpApiEndpoint.get("follow", "/v1/runs/:run/events/stream")
      .setPath(runPath)
      .setUrlParams(Schema.Struct({ from: Schema.optional(place) }))
      .addSuccess(Schema.String.pipe(HttpApiSchema.withEncoding({ kind: "Text", contentType: "text/event-stream" })))
      .annotate(
        OpenApi.Description,
        "What has happened in a run and what happens in it, until it is over or nobody drives it, as server-sent events: `event` is " +
          "the tag, `data` the event, and `id` its place, from behind which a client goes on that sends it as `Last-Event-ID`. " +
          "The last one is named `end`."
      )
  )
  .add(
    HttpApiEndpoint.get("log", "/v1/runs/:run/log")
      .setPath(runPath)
      .setUrlParams(Schema.Struct({
        task: Schema.NonEmptyString,
        attempt: Schema.optional(Schema.NumberFromString.pipe(Schema.int(), Schema.positive())),
        follow: Schema.optional(Schema.BooleanFromString)
      }))
      .addSuccess(Schema.String.pipe(HttpApiSchema.withEncoding({ kind: "Text", contentType: "application/x-ndjson" })))
      .addError(ApiError.TaskUnknown)
      .addError(ApiError.LogUnavailableError)
      .annotate(
        OpenApi.Description,
        "What a task has written, a JSON object a line: `at`, `stream` and `text`. With `follow`, it goes on to the end of the attempt, an " +
          "empty line says each 15 seconds that the stream is there, and `problem` in the last line why there is no log."
      )
  )
  .add(
    HttpApiEndpoint.get("verify", "/v1/runs/:run/verification")
      .setPath(runPath)
      .addSuccess(ApiModel.Verification)
      .annotate(OpenApi.Description, "Whether the chain of its events is whole.")
  )
  .add(
    HttpApiEndpoint.post("cancel", "/v1/runs/:run/cancel")
      .setPath(runPath)
      .addSuccess(ApiModel.Cancelled)
      .addError(ApiError.ForbiddenError)
      .annotate(OpenApi.Description, "Asks for the end of a run, wherever it is driven. Whoever drives it removes what it made, by its policy.")
  )
  .add(
    HttpApiEndpoint.post("answer", "/v1/runs/:run/answer")
      .setPath(runPath)
      .setPayload(ApiModel.Answer)
      .addSuccess(ApiModel.Answered)
      .addError(ApiError.Gate)
      .addError(ApiError.ForbiddenError)
      .annotate(OpenApi.Description, "Answers a gate.")
  )
  .add(
    HttpApiEndpoint.post("cleanup", "/v1/runs/:run/cleanup")
      .setPath(runPath)
      .addSuccess(ApiModel.Cleaned)
      .addError(ApiError.RunOwned)
      .addError(ApiError.LeaseExpired)
      .addError(ApiError.RunElsewhere)
      .addError(ApiError.ForbiddenError)
      .annotate(OpenApi.Description, "Removes what a run without an owner has left or kept.")
  )
  .add(
    HttpApiEndpoint.del("forget", "/v1/runs/:run")
      .setPath(runPath)
      .addSuccess(Schema.Struct({ run: Schema.String }))
      .addError(ApiError.RunNotOver)
      .addError(ApiError.ForbiddenError)
      .annotate(OpenApi.Description, "Removes what the journal says of a run that is over, and keeps its chain.")
  )
  .add(
    HttpApiEndpoint.get("overview", "/v1/overview")
      .setUrlParams(Schema.Struct({ newest: Schema.optional(Schema.NumberFromString.pipe(Schema.int(), Schema.between(0, maxPageSize))) }))
      .addSuccess(ApiModel.Overview)
      .annotate(
        OpenApi.Description,
        `The newest runs (${defaultNewest}), and those besides that are not over or have left something: at most ${maxPageSize} in all, the newest first.`
      )
  )
  .add(
    HttpApiEndpoint.get("summary", "/v1/runs/:run/summary")
      .setPath(runPath)
      .addSuccess(ApiModel.Summary)
      .annotate(OpenApi.Description, "A run as a list of runs tells of it.")
  )
  .add(
    HttpApiEndpoint.post("resume", "/v1/runs/:run/resume")
      .setPath(runPath)
      .setPayload(ApiModel.Resumption)
      .addSuccess(ApiModel.Resumed)
      .addError(ApiError.NothingToResume)
      .addError(ApiError.RunOwned)
      .addError(ApiError.LeaseExpired)
      .addError(ApiError.RunElsewhere)
      .addError(ApiError.ForbiddenError)
      .annotate(OpenApi.Description, "Has a run that is not completed, and that nobody drives, wait for a runner that takes it to its end.")
  )
  .addError(ApiError.RunUnknown)
  .addError(ApiError.RunForgotten)
  .addError(ApiError.RunAmbiguous)
  .addError(ApiError.RunName)
  .addError(ApiError.Journal)
  .middleware(Authorization)

const schedulePath = Schema.Struct({
  schedule: Schema.NonEmptyString.annotations({
    description: "The name of a workflow for all of its schedules, or the id of one, or the beginning of that"
  })
})

const schedules = HttpApiGroup.make("schedules")
  .add(
    HttpApiEndpoint.get("list", "/v1/schedules")
      .setUrlParams(Schema.Struct({ after: Schema.optional(Schema.NonEmptyString), limit: Schema.optional(pageSize) }))
      .addSuccess(ApiModel.SchedulePage)
      .annotate(OpenApi.Description, "The schedules that are on record, by their workflows.")
  )
  .add(
    HttpApiEndpoint.post("add", "/v1/schedules")
      .setPayload(ApiModel.ScheduledWorkflow)
      .addSuccess(ApiModel.AddedSchedules)
      .addError(ApiError.Invalid)
      .addError(ApiError.Unreadable)
      .addError(ApiError.NoSchedules)
      .addError(ApiError.ForbiddenError)
      .annotate(OpenApi.Description, "Puts the schedules of a workflow on record, in the place of those that it had.")
  )
  .add(
    HttpApiEndpoint.get("get", "/v1/schedules/:schedule")
      .setPath(schedulePath)
      .addSuccess(ApiModel.Schedules)
      .annotate(OpenApi.Description, "When they come next, and what became of their last times.")
  )
  .add(
    HttpApiEndpoint.post("pause", "/v1/schedules/:schedule/pause")
      .setPath(schedulePath)
      .addSuccess(ApiModel.Schedules)
      .addError(ApiError.ForbiddenError)
      .annotate(OpenApi.Description, "Has them begin no run by themselves.")
  )
  .add(
    HttpApiEndpoint.post("resume", "/v1/schedules/:schedule/resume")
      .setPath(schedulePath)
      .addSuccess(ApiModel.Schedules)
      .addError(ApiError.ForbiddenError)
      .annotate(OpenApi.Description, "Has them go on, with the next time that comes.")
  )
  .add(
    HttpApiEndpoint.post("run", "/v1/schedules/:schedule/run")
      .setPath(schedulePath)
      .addSuccess(ApiModel.ScheduledRun)
      .addError(ApiError.ScheduleBusy)
      .addError(ApiError.ScheduleRefused)
      .addError(ApiError.ForbiddenError)
      .annotate(OpenApi.Description, "Begins a run of one now.")
  )
  .add(
    HttpApiEndpoint.del("remove", "/v1/schedules/:schedule")
      .setPath(schedulePath)
      .addSuccess(ApiModel.Schedules)
      .addError(ApiError.ForbiddenError)
      .annotate(OpenApi.Description, "Takes them off the record. Runs that they have submitted stay.")
  )
  .addError(ApiError.ScheduleUnknown)
  .addError(ApiError.ScheduleAmbiguous)
  .addError(ApiError.Journal)
  .middleware(Authorization)

const session = HttpApiGroup.make("session")
  .add(
    HttpApiEndpoint.post("login", "/v1/session")
      .setPayload(ApiModel.Login)
      .addSuccess(ApiModel.Session)
      .addError(ApiError.UnauthorizedError)
      .annotate(OpenApi.Description, "Logs a browser in, with a key or with what is in the link of `telemachy serve`: its cookie stands for the key from then on.")
  )
  .add(
    HttpApiEndpoint.get("who", "/v1/session")
      .addSuccess(ApiModel.Session)
      .middleware(Authorization)
      .annotate(OpenApi.Description, "Who asks.")
  )
  .add(
    HttpApiEndpoint.del("logout", "/v1/session")
      .addSuccess(Schema.Struct({}))
      .annotate(OpenApi.Description, "Ends the session of a browser.")
  )

/** The API of runs. */
export class RunsApi extends HttpApi.make("telemachy")
  .add(system)
  .add(about)
  .add(workflows)
  .add(runs)
  .add(schedules)
  .add(views.middleware(Authorization))
  .add(session)
  .addError(ApiError.BusyError)
  .annotate(OpenApi.Title, "Telemachy")
  .annotate(OpenApi.Description, "The runs of workflows: submit, watch, answer, cancel, clean up.")
{}
