/** What a destination is sent: a notification in its form, at its address, and signed where it has a secret. */
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { Format } from "../workflow/NotifyDestination.ts"
import { Notification } from "./Notification.ts"
import * as NotificationText from "./NotificationText.ts"
import * as Signature from "./Signature.ts"

/** Where notifications go to, with all that is secret about it. */
export interface Address {
  readonly url: Redacted.Redacted<URL>
  readonly format: Format
  readonly secret: Redacted.Redacted | undefined
  readonly token: Redacted.Redacted | undefined
}

/** A request that tells something. */
export interface NotifyMessage {
  readonly url: Redacted.Redacted
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const encode = Schema.encodeSync(Notification)

/** The signs that mean something in the texts of Slack (api.slack.com, "Formatting text"). */
const forSlack = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")

/** The priorities and tags of ntfy (docs.ntfy.sh, "Publishing"): 3 is the usual priority, 4 a high one. */
const ofNtfy = {
  completed: { priority: 3, tags: ["white_check_mark"] },
  failed: { priority: 4, tags: ["x"] },
  lost: { priority: 4, tags: ["electric_plug"] },
  left: { priority: 4, tags: ["broom"] },
  waiting: { priority: 4, tags: ["raised_hand"] }
} as const

/** The topic is the last part of the address, and messages as JSON go to what is before it. Its letters, digits, _ and - are never escaped. */
const topicOf = (url: URL): { readonly topic: string; readonly root: string } => {
  const parts = url.pathname.replace(/\/+$/, "").split("/")
  return { topic: parts.at(-1) ?? "", root: `${url.origin}${parts.slice(0, -1).join("/")}/${url.search}` }
}

const bodyOf = (notification: Notification, format: Format, url: URL): unknown => {
  switch (format) {
    case "json":
      return { ...encode(notification), text: NotificationText.text(notification) }
    case "slack":
      return { text: forSlack(NotificationText.text(notification)) }
    case "ntfy":
      return {
        topic: topicOf(url).topic,
        title: NotificationText.title(notification),
        message: NotificationText.text(notification),
        ...ofNtfy[notification.event]
      }
  }
}

/** Makes what is sent at a time, in milliseconds since the beginning of 1970. */
export const make = (notification: Notification, { format, secret, token, url }: Address, at: number): NotifyMessage => {
  const address = Redacted.value(url)
  const body = JSON.stringify(bodyOf(notification, format, address))
  return {
    url: Redacted.make(format === "ntfy" ? topicOf(address).root : address.href),
    headers: {
      "content-type": "application/json",
      "user-agent": "telemachy",
      "idempotency-key": notification.id,
      ...(token === undefined ? {} : { authorization: `Bearer ${Redacted.value(token)}` }),
      ...(secret === undefined ? {} : { [Signature.header]: Signature.make(body, { at, secret }) })
    },
    body
  }
}
