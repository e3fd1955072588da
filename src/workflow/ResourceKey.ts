/**
 * Names of the resources that a run makes on Agamemnon. The key of a resource
 * depends on the workflow's name and its own alone, so that a second run finds
 * what an earlier one left; a run that is to be separate has keys of its own.
 */
import { createHash } from "node:crypto"
import * as Schema from "effect/Schema"

const pattern = /^tlm-[0-9a-f]{16}-[A-Za-z0-9_-]{0,40}$/

/**
 * Schema of a resource key.
 *
 * **Example** (A field that holds a key)
 *
 * ```ts
 * import { Schema } from "effect"
 * import { ResourceKey } from "telemachy"
 *
 * export const Row = Schema.Struct({ key: ResourceKey.ResourceKey })
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const ResourceKey = Schema.String.pipe(Schema.pattern(pattern), Schema.brand("telemachy/ResourceKey"))
export type ResourceKey = typeof ResourceKey.Type

/**
 * Makes the key of a resource of a workflow; of one run alone, when its id is given.
 *
 * **Example** (What an agent is called on Agamemnon)
 *
 * ```ts
 * import { ResourceKey } from "telemachy"
 *
 * export const key = ResourceKey.make("hello", "greeter") // "tlm-68015f9c68b31bb0-greeter"
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (workflow: string, resource: string, run?: string): ResourceKey => {
  const named = [workflow, resource, ...(run === undefined ? [] : [run])].join("|")
  const digest = createHash("sha256").update(named).digest("hex").slice(0, 16)
  return ResourceKey.make(`tlm-${digest}-${resource.replace(/[^A-Za-z0-9_-]/gu, "-").slice(0, 40)}`)
}

/**
 * Tells whether a name is a resource key, and so whether Telemachy made what carries it.
 *
 * **Example** (Telling what Telemachy made)
 *
 * ```ts
 * import { ResourceKey } from "telemachy"
 *
 * export const managed = (names: ReadonlyArray<string>) => names.filter(ResourceKey.isResourceKey)
 * ```
 *
 * @since 0.1.0
 * @category guards
 */
export const isResourceKey = (name: string): name is ResourceKey => pattern.test(name)
