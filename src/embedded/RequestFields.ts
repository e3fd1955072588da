/**
 * What Agamemnon takes in the bodies of requests, where that is more than a
 * client should send: it looks at some fields only if they are texts, and then
 * stores values of any type.
 */
import * as Schema from "effect/Schema"
import * as Model from "../agamemnon/AgamemnonModel.ts"

const anything = Schema.optionalWith(Schema.Unknown, { exact: true })

const oneOfIfText = (field: string, values: ReadonlyArray<string>) =>
  Schema.optionalWith(
    Schema.Unknown.pipe(
      Schema.filter((value) =>
        typeof value !== "string" || values.includes(value) || `'${field}' has invalid value '${value}'`
      )
    ),
    { exact: true }
  )

const others = Schema.Record({ key: Schema.String, value: Schema.Unknown })

/** Schema of the body that creates an agent. Its status is looked at, and never taken. */
export const CreateAgent = Schema.Struct({
  ...Model.CreateAgent.fields,
  status: oneOfIfText("status", Model.agentStatuses)
})

/** Schema of the body that changes an agent. */
export const PatchAgent = Schema.Struct({
  ...Model.PatchAgent.fields,
  status: oneOfIfText("status", Model.agentStatuses)
}, others)

/** Schema of the body that changes a task. A status that is no text would crash Agamemnon. */
export const UpdateTask = Schema.Struct({
  ...Model.UpdateTask.fields,
  type: oneOfIfText("type", Model.taskTypes),
  assigneeAgentId: anything,
  completedAt: anything
}, others)

/** The fields that Agamemnon needs to be texts when it tells that a task is completed. */
const toldOfCompleted = ["type", "assigneeAgentId"] as const

/**
 * The field of a change that would crash Agamemnon: it tells of every change
 * that leaves a task completed, and can not where these fields are no texts.
 */
export const untellable = (task: Model.Task, fields: typeof UpdateTask.Type): string | undefined => {
  const merged: Readonly<Record<string, unknown>> = { ...task, ...fields }
  return merged["status"] === "completed" ? toldOfCompleted.find((field) => typeof merged[field] !== "string") : undefined
}
