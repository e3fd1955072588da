/** How fast pings were answered. */
import * as Words from "./Words.ts"

/** A ping, as the record has it. */
export interface Ping {
  readonly result: "answered" | "missed" | "lost"
  /** How long the answer took, as far as that is on record. */
  readonly tookSeconds?: number | undefined
}

/** A time of an answer: `3 ms`, or as any other from a second on. */
export const inWords = (seconds: number): string => {
  const millis = Math.round(seconds * 1000)
  return millis < 1 ? "less than 1 ms" : millis < 1000 ? `${millis} ms` : Words.lasted(millis)
}

/** How fast some pings were answered, in a sentence. */
export const speed = (pings: ReadonlyArray<Ping>): string => {
  const times = pings.flatMap(({ tookSeconds }) => tookSeconds === undefined ? [] : [tookSeconds]).toSorted((one, other) => one - other)
  const median = times[Math.floor(times.length / 2)]
  const longest = times.at(-1)
  return median === undefined || longest === undefined
    ? "How long an answer took is not on record."
    : `An answer took ${inWords(median)}, the longest ${inWords(longest)}.`
}

/** How high the bar of a ping is, in pixels: of one that was answered, the longer that took. */
export const height = ({ result, tookSeconds = 0 }: Ping): number =>
  result === "lost" ? 20 : result === "missed" ? 17 : Math.min(14, 5 + Math.round(Math.log2(1 + tookSeconds * 1000)))
