/** The forms in which the value of a secret may be written. */
import * as Arr from "effect/Array"

/** The shortest form that is masked: a shorter one would be found in text that has nothing to do with it. */
export const shortest = 4

/** Widths at which programs break the lines of base64: `openssl`, and `base64` and MIME. */
const widths = [64, 76]

/**
 * Lists the forms of a value: all of it, each of its lines, as a text in JSON, as a part of a URL, and in base64, also as
 * a part of something longer.
 */
export const of = (value: string): ReadonlyArray<string> => {
  const whole = value.trim()
  const lines = whole.split(/[\r\n]+/).map((line) => line.trim())
  return Arr.dedupe([whole, ...lines, ...inJson(whole), ...inUrls(whole), ...inBase64(whole)]).filter((form) => form.length >= shortest)
}

const inJson = (text: string): ReadonlyArray<string> => {
  const json = JSON.stringify(text).slice(1, -1)
  const escaped = json.replaceAll(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
  return [json, escaped]
}

const inUrls = (text: string): ReadonlyArray<string> => {
  const component = encodeURIComponent(text)
  const strict = component.replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
  const query = new URLSearchParams([["", text]]).toString().slice(1)
  return [component, strict, strict.replaceAll("%2F", "/"), strict.replaceAll("%20", "+"), query, encodeURI(text)].flatMap((form) =>
    [form, form.replaceAll(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase())])
}

const inBase64 = (text: string): ReadonlyArray<string> => {
  const bytes = Buffer.from(text)
  const exact = bytes.toString("base64")
  const forms = [exact, exact.replaceAll("=", ""), ...[0, 1, 2].map((before) => withinBase64(bytes, before))]
  const broken = widths.flatMap((width) => forms.map((form) => form.replaceAll(new RegExp(`.{${width}}(?=.)`, "g"), "$&\n")))
  return [...forms, ...broken].flatMap((form) => [form, form.replaceAll("+", "-").replaceAll("/", "_")])
}

/** What base64 makes of bytes that come after so many others, and before any: as much as these do not change. */
const withinBase64 = (bytes: Buffer, before: number): string =>
  Buffer.concat([Buffer.alloc(before), bytes])
    .toString("base64")
    .slice(Math.ceil(before * 8 / 6), Math.floor((before + bytes.length) * 8 / 6))
