/** Numbers, times and foreign text in the words that a person reads. */
import { stripVTControlCharacters } from "node:util"
import * as Duration from "effect/Duration"
import * as WholeNumber from "../run/WholeNumber.ts"

/**
 * Counts things.
 *
 * @example count(2, "agent") // "2 agents"
 */
export const count = (number: number, noun: string): string =>
  `${WholeNumber.grouped(number)} ${noun}${number === 1 ? "" : "s"}`

const two = (number: number): string => String(number).padStart(2, "0")

/**
 * Writes a duration as short as is still exact enough.
 *
 * @example duration(Duration.seconds(184)) // "3m 04s"
 */
export const duration = (length: Duration.Duration): string => {
  const seconds = Math.max(0, Duration.toSeconds(length))
  if (seconds < 59.95) return `${seconds.toFixed(1)}s`
  const whole = Math.round(seconds)
  const minutes = Math.floor(whole / 60)
  return minutes < 60 ? `${minutes}m ${two(whole % 60)}s` : `${Math.floor(minutes / 60)}h ${two(minutes % 60)}m`
}

/**
 * Everything that could move a cursor, every line break, and what turns text around: the C0 and C1 controls, the two
 * separators of Unicode, and its controls of direction.
 */
export const controls = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]+/gu

/** Foreign text on one line, and unable to do anything to a terminal. */
export const oneLine = (text: string): string => stripVTControlCharacters(text).replaceAll(controls, " ").trim()

/** Text of several lines that quotes foreign text, each line unable to do anything to a terminal. */
export const printable = (text: string): string =>
  text.split("\n").map((line) => stripVTControlCharacters(line).replaceAll(controls, " ")).join("\n")

/** Foreign text with a sign in the place of each control character, so that nothing is hidden and nothing happens. */
export const visible = (text: string): string =>
  text.replaceAll(controls, (signs) => Array.from(signs, (sign) => pictureOf(sign.charCodeAt(0))).join(""))

// Unicode has a picture of each control character of ASCII.
const pictureOf = (code: number): string =>
  code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? "\u2421" : "\ufffd"

/** The last lines of foreign text, each as {@link oneLine}. */
export const lastLines = (text: string, most: number): ReadonlyArray<string> =>
  text.split(/\r\n|[\r\n]/).map(oneLine).filter((line) => line !== "").slice(-most)
