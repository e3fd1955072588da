/** Whether somebody can see the page: what nobody sees is not kept up to date, and holds no connection. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"

/** Whether the page can be seen. */
export class Visibility extends Context.Tag("telemachy/page/Visibility")<Visibility, SubscriptionRef.SubscriptionRef<boolean>>() {}

/** Waits until the page can be seen. */
export const seen = Effect.flatMap(Visibility, ({ changes }) => Stream.runHead(Stream.filter(changes, (isSeen) => isSeen)))

/** Waits until the page can not be seen. */
export const hidden = Effect.flatMap(Visibility, ({ changes }) => Stream.runHead(Stream.filter(changes, (isSeen) => !isSeen)))

/** Layer of a page that is always seen. */
export const layerAlways = Layer.effect(Visibility, SubscriptionRef.make(true))
