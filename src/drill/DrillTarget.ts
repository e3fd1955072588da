/** The Agamemnon that a drill is about, asked directly: past every proxy, and in the role of its workers. */
import * as HttpApiClient from "@effect/platform/HttpApiClient"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import { AgamemnonApi } from "../agamemnon/AgamemnonApi.ts"
import * as AgamemnonClient from "../agamemnon/AgamemnonClient.ts"
import * as AgamemnonError from "../agamemnon/AgamemnonError.ts"
import { TaskId, TeamId } from "../agamemnon/AgamemnonModel.ts"
import * as Replies from "../agamemnon/Replies.ts"
import { retrying } from "../agamemnon/RequestRetry.ts"
import * as Transport from "../agamemnon/Transport.ts"
import * as AgamemnonAddress from "../settings/AgamemnonAddress.ts"

/** Where an Agamemnon is. */
export interface Options {
  readonly url: string
  readonly apiKey?: Redacted.Redacted | undefined
  readonly requireTls?: boolean | undefined
  readonly requestTimeout?: Duration.DurationInput | undefined
  /** Whether it ends with the drill. Defaults to false. */
  readonly embedded?: boolean | undefined
}

/** The Agamemnon of a drill. */
export class DrillTarget extends Context.Tag("telemachy/drill/DrillTarget")<DrillTarget, {
  readonly url: string
  readonly apiKey: Redacted.Redacted | undefined
  readonly embedded: boolean
  /** Its lists, and what removes. */
  readonly client: Context.Tag.Service<AgamemnonClient.AgamemnonClient>
  /** Says that a task is completed, as a worker does. */
  readonly complete: (task: { readonly team: string; readonly id: string }) => Effect.Effect<void, AgamemnonError.AgamemnonError>
}>() {}

/** Makes a target. Fails when an option can not be used, or the address would need TLS. */
export const make = Effect.fn("DrillTarget.make")(function*(options: Options) {
  const { apiKey, embedded = false } = options
  const client = yield* AgamemnonClient.make(options)
  const address = yield* Either.mapLeft(AgamemnonAddress.parse(options.url), (problem) =>
    new AgamemnonError.InvalidOptionError({ option: "url", problem }))
  const transport = yield* Transport.make({ address, apiKey, requestTimeout: options.requestTimeout })
  const { tasks } = yield* HttpApiClient.makeWith(AgamemnonApi, {
    httpClient: transport.client,
    transformResponse: () => Effect.void
  })
  return DrillTarget.of({
    url: client.url,
    apiKey,
    embedded,
    client,
    complete: ({ id, team }) => {
      const path = { team: TeamId.make(team), task: TaskId.make(id) }
      return retrying(transport.call(tasks.update({ path, payload: { status: "completed" }, withResponse: true }), Replies.nothing))
    }
  })
})

/** Layer of a target. */
export const layer = (
  options: Options
): Layer.Layer<DrillTarget, AgamemnonClient.OptionsError, HttpClient.HttpClient> => Layer.scoped(DrillTarget, make(options))
