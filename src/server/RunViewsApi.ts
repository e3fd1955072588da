/**
 * What a page asks of a run, which can have many tasks and events: each answer
 * has a part of it, and none is larger than a limit.
 */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import * as ApiError from "./ApiError.ts"
import * as ApiModel from "./ApiModel.ts"
import * as RunViewModel from "./RunViewModel.ts"

/** The largest page of tasks. */
export const maxTasks = 500

/** The largest page of lines. */
export const maxLines = 1000

/** Of how many runs it is told at once how far they are. */
export const maxProgress = 100

const limit = (most: number) => Schema.optional(Schema.NumberFromString.pipe(Schema.int(), Schema.between(1, most)))

const place = Schema.NumberFromString.pipe(Schema.int(), Schema.nonNegative())

const path = Schema.Struct({ run: Schema.NonEmptyString })

/** The endpoints, without who may ask them. */
export const views = HttpApiGroup.make("views")
  .add(
    HttpApiEndpoint.get("run", "/v1/runs/:run/view")
      .setPath(path)
      .addSuccess(RunViewModel.RunView)
      .annotate(OpenApi.Description, "A run without its tasks, which are counted.")
  )
  .add(
    HttpApiEndpoint.get("tasks", "/v1/runs/:run/tasks")
      .setPath(path)
      .setUrlParams(Schema.Struct({
        from: Schema.optional(place),
        limit: limit(maxTasks),
        team: Schema.optional(Schema.String),
        status: Schema.optional(RunViewModel.TaskStatus),
        search: Schema.optional(Schema.String),
        group: Schema.optional(Schema.String).annotations({ description: "The id of a group of the graph" })
      }))
      .addSuccess(RunViewModel.TaskPage)
      .annotate(OpenApi.Description, "Tasks of a run, in the order of the workflow, without what they have answered.")
  )
  .add(
    HttpApiEndpoint.get("task", "/v1/runs/:run/task")
      .setPath(path)
      .setUrlParams(Schema.Struct({ task: Schema.NonEmptyString }))
      .addSuccess(ApiModel.Task)
      .addError(ApiError.TaskUnknown)
      .annotate(OpenApi.Description, "A task of a run in full, by `TEAM/SUBJECT`.")
  )
  .add(
    HttpApiEndpoint.get("graph", "/v1/runs/:run/graph")
      .setPath(path)
      .addSuccess(RunViewModel.Graph)
      .annotate(OpenApi.Description, "What waits for what: tasks or, where they are many, groups of tasks of a team that are equally far from its beginning.")
  )
  .add(
    HttpApiEndpoint.get("timeline", "/v1/runs/:run/timeline")
      .setPath(path)
      .addSuccess(RunViewModel.Timeline)
      .annotate(OpenApi.Description, "When a run did what, when its Agamemnon was away, and its latest pings.")
  )
  .add(
    HttpApiEndpoint.get("lines", "/v1/runs/:run/lines")
      .setPath(path)
      .setUrlParams(Schema.Struct({
        from: Schema.optional(place),
        limit: limit(maxLines),
        only: Schema.optional(Schema.String).annotations({ description: "The beginning of the tags of the events that are meant, such as `task.`" }),
        search: Schema.optional(Schema.String).annotations({ description: "What their lines have in them" })
      }))
      .addSuccess(RunViewModel.LinePage)
      .annotate(OpenApi.Description, "The events of a run in words, in their order. A page can be short though others follow: `next` is absent when none do.")
  )
  .addError(ApiError.RunUnknown)
  .addError(ApiError.RunForgotten)
  .addError(ApiError.RunAmbiguous)
  .addError(ApiError.RunName)
  .addError(ApiError.Journal)
  .add(
    HttpApiEndpoint.get("progress", "/v1/progress")
      .setUrlParams(Schema.Struct({
        runs: Schema.String.annotations({ description: `Ids of runs, separated by commas: at most ${maxProgress}` })
      }))
      .addSuccess(Schema.Struct({ runs: Schema.Array(RunViewModel.Progress) }))
      .addError(ApiError.Journal)
      .annotate(OpenApi.Description, "How many tasks runs have, and how many of them have ended.")
  )
