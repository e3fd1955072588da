/**
 * Finds the name that was probably meant, for the "did you mean" of a message.
 */

const longest = 128

/**
 * Finds the candidate that takes the fewest edits to reach from a name, letter
 * case aside. Nothing is near a name when a third of its characters differ, so
 * that no far-fetched suggestion is made.
 *
 * @example nearest("implementor", ["implementer", "reviewer"]) // "implementer"
 */
export const nearest = (name: string, candidates: Iterable<string>): string | undefined => {
  if (name.length > longest) return undefined
  const wanted = name.toLowerCase()
  let best: string | undefined
  let limit = Math.floor((name.length + 1) / 3)
  for (const candidate of candidates) {
    if (candidate === name) continue
    const edits = distance(wanted, candidate.toLowerCase(), limit)
    if (edits > limit) continue
    best = candidate
    limit = edits - 1
    if (limit < 0) break
  }
  return best
}

/** Counts the edits between two texts, two letters changing places being one. Any number above the limit means "more". */
const distance = (from: string, to: string, limit: number): number => {
  if (Math.abs(from.length - to.length) > limit) return limit + 1
  let beforePrevious: ReadonlyArray<number> = []
  let previous: ReadonlyArray<number> = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const replaced = (previous[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1)
      const isSwapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      const swapped = isSwapped ? (beforePrevious[column - 2] ?? 0) + 1 : replaced
      current.push(Math.min(replaced, swapped, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1))
    }
    if (Math.min(...current) > limit && Math.min(...previous) > limit) return limit + 1
    beforePrevious = previous
    previous = current
  }
  return previous[to.length] ?? 0
}
