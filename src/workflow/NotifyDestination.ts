/** Who is told what becomes of the runs of a workflow: addresses to which notifications are posted, in which form, and of what. */
import { createHash } from "node:crypto"
import * as Schema from "effect/Schema"
import * as SchemaProblems from "./SchemaProblems.ts"
import { nonBlank, textOfAtMost } from "./WorkflowText.ts"

/**
 * The most destinations of a workflow: 10.
 *
 * **Example** (Whether another one can be added)
 *
 * ```ts
 * import { NotifyDestination, type WorkflowSpec } from "telemachy"
 *
 * export const hasRoom = ({ notify = [] }: WorkflowSpec.WorkflowSpec) => notify.length < NotifyDestination.maxDestinations
 * ```
 *
 * @since 0.1.0
 * @category config
 */
export const maxDestinations = 10

/** The longest address, in bytes. */
const maxBytes = 2048

/** The keys of a destination, as a file writes them. */
const keys = ["url", "url_env", "format", "on", "secret_env", "token_env", "allow_http"] as const

/**
 * Schema of what somebody can be told of a run: that it has `completed` or `failed` (a task, its limit of time, its budget), that
 * Agamemnon was `lost` to it, that something is `left` which could not be removed, or that it is `waiting` for the answer of a person.
 *
 * **Example** (What calls for somebody)
 *
 * ```ts
 * import type { NotifyDestination } from "telemachy"
 *
 * export const isUrgent = (occasion: NotifyDestination.Occasion) => occasion !== "completed"
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const Occasion = Schema.Literal("failed", "lost", "left", "waiting", "completed")
export type Occasion = typeof Occasion.Type

/**
 * Schema of the form of what is posted: `json` is the notification itself, `slack` a message for an incoming webhook of Slack, and
 * `ntfy` one for a topic of ntfy.
 *
 * **Example** (A form for each address)
 *
 * ```ts
 * import type { NotifyDestination } from "telemachy"
 *
 * export const formatOf = (url: URL): NotifyDestination.Format => (url.hostname === "hooks.slack.com" ? "slack" : "json")
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const Format = Schema.Literal("json", "slack", "ntfy")
export type Format = typeof Format.Type

/** What is told where a destination does not say: all but that everything went well. */
const usual: ReadonlyArray<Occasion> = ["failed", "lost", "left", "waiting"]

const Url = nonBlank(textOfAtMost(maxBytes))

const variable = /^[A-Za-z_][A-Za-z0-9_]*$/

const Variable = Schema.String.pipe(
  Schema.filter((name) => variable.test(name), {
    jsonSchema: { pattern: variable.source },
    arbitrary: () => (fc) => fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,16}$/),
    ...SchemaProblems.expects("the name of a variable", "the name of a variable: letters, digits and _, which begins with a letter or _")
  })
)

const Occasions = Schema.Array(Occasion).pipe(
  Schema.filter((occasions) => occasions.length > 0, {
    jsonSchema: { minItems: 1 },
    ...SchemaProblems.expects(`a list of ${Occasion.literals.join(", ")}`, `at least one of ${Occasion.literals.join(", ")}`)
  })
)

const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })

/**
 * Schema of a destination of notifications, as a workflow file has it: exactly one of `url` and `urlEnv` is there.
 *
 * **Example** (A webhook of Slack, whose address is a secret)
 *
 * ```ts
 * import type { NotifyDestination } from "telemachy"
 *
 * export const slack: NotifyDestination.NotifyDestination = {
 *   urlEnv: "SLACK_WEBHOOK_URL",
 *   format: "slack",
 *   on: ["failed", "lost", "left", "waiting"],
 *   allowHttp: false
 * }
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const NotifyDestination = Schema.Struct({
  url: optional(Url.annotations({
    description: "The address that notifications are posted to. One that is a secret in itself belongs into a variable: `url_env`."
  })),
  urlEnv: optional(Variable.annotations({
    description: "The name of the variable that holds the address, which is then on record nowhere."
  })).pipe(Schema.fromKey("url_env")),
  format: Schema.optionalWith(
    Format.annotations({
      description: "The form of what is posted: the notification as JSON, a message for an incoming webhook of Slack, or one for a topic of ntfy.",
      default: "json"
    }),
    { default: () => "json" as const }
  ),
  on: Schema.optionalWith(
    Occasions.annotations({
      description: "What is told: that a run has `failed` (also by its limit of time or its budget), that Agamemnon was `lost`, that " +
        "something could not be removed and is `left`, that it is `waiting` for the answer of a person, or that it has `completed`.",
      default: usual
    }),
    { default: () => usual }
  ),
  secretEnv: optional(Variable.annotations({
    description: "The name of the variable that holds the secret with which what is posted is signed (HMAC-SHA256)."
  })).pipe(Schema.fromKey("secret_env")),
  tokenEnv: optional(Variable.annotations({
    description: "The name of the variable that holds a token, which is sent as `Authorization: Bearer`."
  })).pipe(Schema.fromKey("token_env")),
  allowHttp: Schema.optionalWith(
    Schema.Boolean.annotations({
      description: "Whether an address of `http://` may be of another host than this one: who is on the way can read it.",
      default: false
    }),
    { default: () => false }
  ).pipe(Schema.fromKey("allow_http"))
}).annotations({
  identifier: "NotifyDestination",
  description: "A destination of notifications: where to, in which form, and of what.",
  ...SchemaProblems.expects(`a map with the keys ${keys.join(", ")}`)
})
export interface NotifyDestination extends Schema.Schema.Type<typeof NotifyDestination> {}

/**
 * Schema of the destinations of a workflow.
 *
 * @internal
 */
export const NotifyDestinations = Schema.Array(NotifyDestination).pipe(
  Schema.filter((destinations) => destinations.length <= maxDestinations, {
    jsonSchema: { maxItems: maxDestinations },
    ...SchemaProblems.expects("a list of destinations", `at most ${maxDestinations} destinations`)
  })
)

/**
 * What stands for a destination where it is on record: sixteen hexadecimal digits, made of its address, or of the name of the
 * variable that holds it, and of its form.
 *
 * @internal
 */
export const idOf = ({ format, url, urlEnv }: Pick<NotifyDestination, "url" | "urlEnv" | "format">): string =>
  createHash("sha256").update(JSON.stringify([url ?? null, urlEnv ?? null, format])).digest("hex").slice(0, 16)

/**
 * The names of the variables that destinations are read from, which programs of agents are not given.
 *
 * @internal
 */
export const variablesOf = (destinations: ReadonlyArray<NotifyDestination>): ReadonlyArray<string> =>
  destinations.flatMap(({ secretEnv, tokenEnv, urlEnv }) => [urlEnv, secretEnv, tokenEnv].filter((name) => name !== undefined))
