/** Where times are on a line that is as wide as a run is long: as parts of it, from 0 to 1. Times are in milliseconds since 1970. */

/** From when to when. */
export interface TimeScale {
  readonly from: number
  readonly to: number
}

/** A part of the line. */
export interface Part {
  readonly left: number
  readonly width: number
}

/** The least width of something that is there at all. */
const leastWidth = 0.002

/** A line that has a length, whatever is known of the run. */
export const make = (from: number | undefined, to: number): TimeScale => {
  const start = Math.min(from ?? to, to)
  return { from: start, to: Math.max(to, start + 1) }
}

const within = (value: number): number => Math.min(1, Math.max(0, value))

/** Where a time is. */
export const at = ({ from, to }: TimeScale, time: number): number => within((time - from) / (to - from))

/** Where something is from a time to another, or to the end of the line as long as it lasts. */
export const part = (scale: TimeScale, from: number, to: number | undefined): Part => {
  const left = Math.min(at(scale, from), 1 - leastWidth)
  return { left, width: Math.max(leastWidth, at(scale, to ?? scale.to) - left) }
}

const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400].map((seconds) => seconds * 1000)

/** The part of the line in which marks are. */
const latest = 0.94

/** The times at which a line is marked: round ones since its beginning, at most so many. */
export const ticks = ({ from, to }: TimeScale, most = 8): ReadonlyArray<number> => {
  const length = to - from
  const step = steps.find((each) => length / each <= most) ?? Math.ceil(length / most / 86_400_000) * 86_400_000
  const marks = Array.from({ length: Math.floor(length / step) + 1 }, (_, index) => from + index * step)
  // What is written beside the last one would go beyond the line.
  return marks.filter((mark) => mark - from <= length * latest)
}
