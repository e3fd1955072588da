/** What became of one agent or team that was cleaned up, as a line for people or for programs. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as RunState from "../run/RunState.ts"
import * as JsonLines from "./JsonLines.ts"

const optional = Schema.optionalWith(Schema.String, { exact: true })

const CleanupLine = Schema.Struct({
  /** `left`: it could not be removed; `found`: nothing was to be removed. */
  status: Schema.Literal("removed", "would_remove", "left", "found"),
  kind: Schema.Literal("agent", "team", "workspace"),
  key: Schema.String,
  id: optional,
  name: optional,
  run: optional,
  workflow: optional,
  error: optional
})

/** What became of it. */
export type CleanupLine = typeof CleanupLine.Type

const encode = Schema.encode(Schema.parseJson(CleanupLine))

/** Tells of it in JSON, or in these words; what could not be removed is told to people on standard error. */
export const tell = (line: CleanupLine, json: boolean, words: string): Effect.Effect<void> =>
  json
    ? Effect.flatMap(Effect.orDie(encode(line)), JsonLines.write)
    : (line.status === "left" ? Console.error : Console.log)(words)

/** What a recorded run knows of it. */
export const ofRun = (
  { run, workflow }: { readonly run: string; readonly workflow: string },
  { id, key, kind, name }: Pick<RunState.ResourceState, "key" | "kind" | "name"> & Partial<Pick<RunState.ResourceState, "id">>
) => ({ run, workflow, kind, name, key, ...(id === undefined ? {} : { id }) })
