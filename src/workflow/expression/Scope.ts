/**
 * What expressions can read in one place of a workflow: its contexts, the keys
 * that each of them has, and the functions beside those of the language. All of
 * it is data, so that a place or a context is added without a change of what
 * checks expressions.
 */

/** What is known of a value before it is there. */
export type Shape =
  /** Anything, of which nothing is known. */
  | { readonly _tag: "Any" }
  /** A text, a number or whether something holds. */
  | { readonly _tag: "Scalar"; readonly type: string }
  | { readonly _tag: "List"; readonly item: Shape }
  /** A map of which each key is known. */
  | { readonly _tag: "Map"; readonly entries: Names }
  /** What exists, and cannot be read in this place: the sentence says why. */
  | { readonly _tag: "Refused"; readonly why: string }

/** Shapes by name, in any letter case. */
export interface Names {
  readonly names: ReadonlyArray<string>
  readonly get: (name: string) => Shape | undefined
}

/** What can be read in one place. */
export interface Scope {
  readonly contexts: Names
  /** Functions beside those of the language. */
  readonly functions: Names
}

export const any: Shape = { _tag: "Any" }

export const scalar = (type: string): Shape => ({ _tag: "Scalar", type })

export const list = (item: Shape): Shape => ({ _tag: "List", item })

export const refused = (why: string): Shape => ({ _tag: "Refused", why })

export const map = (entries: Readonly<Record<string, Shape>>): Shape => ({ _tag: "Map", entries: named(entries) })

/** Finds shapes by their names. Those that are refused are not among the names to suggest. */
export const named = (entries: Readonly<Record<string, Shape>>): Names => {
  const byName = new Map(Object.entries(entries).map(([name, shape]) => [name.toLowerCase(), shape]))
  return {
    names: Object.entries(entries).flatMap(([name, { _tag }]) => (_tag === "Refused" ? [] : [name])),
    get: (name) => byName.get(name.toLowerCase())
  }
}
