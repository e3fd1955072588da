/**
 * Reads YAML into plain values and remembers where each of them is written.
 *
 * Aliases and merge keys are resolved here rather than by the parser, in one
 * pass: its own resolution is quadratic, and its limit counts how often an
 * anchor is used instead of how much that adds.
 */
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import { isAlias, isMap, isScalar, isSeq, type Node, Scalar } from "yaml"
import * as WorkflowProblem from "./WorkflowProblem.ts"
import * as YamlSyntax from "./YamlSyntax.ts"

/** How many values aliases may add to those that a file contains. */
export const maxAliasedValues = 100_000

/** A YAML document as plain values, with the place of each. */
export interface YamlTree {
  readonly value: unknown
  /**
   * Finds where the value at a path is written, or its key, or an expression in it; the nearest map or list around it when
   * it is not there.
   */
  readonly locate: (path: WorkflowProblem.Path, atKey: boolean, within?: WorkflowProblem.Within) => WorkflowProblem.Position
  /** The text of the plain scalar at a path as the file has it, such as `3.10` of the number 3.1. */
  readonly writtenAt: (path: WorkflowProblem.Path) => string | undefined
  /** Keys that are given twice. The last of them counts, so that the rest of the document can be checked too. */
  readonly repeatedKeys: WorkflowProblem.Listed
}

/** Reads the one document of a text. What is on the left makes the document unreadable, every part of it. */
export const read = (text: string): Either.Either<YamlTree, WorkflowProblem.Listed> =>
  Either.flatMap(YamlSyntax.parse(text), (syntax) => build(syntax, text))

/** A value, and the number of values in it when every alias is replaced by what it stands for. */
interface Built {
  readonly value: unknown
  readonly size: number
}

/** Where an entry of a map or list is written. */
interface Place {
  readonly key: YamlSyntax.Extent
  readonly value: YamlSyntax.Extent
  /** The value as it is written, if it is a plain scalar. */
  readonly written?: string | undefined
}

interface Places {
  readonly start: number
  readonly entries: Map<PropertyKey, Place>
}

const nothing: Built = { value: null, size: 1 }

/** The first problems of a kind, and how many there were after them. */
interface Noted {
  readonly faults: Array<YamlSyntax.Fault>
  omitted: number
}

/** A document while it is read. */
interface Reading {
  readonly text: string
  readonly position: YamlSyntax.YamlSyntax["position"]
  readonly anchors: Map<string, Built | "unfinished">
  readonly places: WeakMap<object, Places>
  /** What makes the document unreadable. */
  readonly fatal: Noted
  readonly repeatedKeys: Noted
  /** Where in the document the reading is. */
  readonly path: Array<PropertyKey>
  /** How many values aliases have added so far. */
  aliased: number
}

const build = ({ document, position }: YamlSyntax.YamlSyntax, text: string): Either.Either<YamlTree, WorkflowProblem.Listed> => {
  const reading: Reading = {
    text,
    position,
    anchors: new Map(),
    places: new WeakMap(),
    fatal: { faults: [], omitted: 0 },
    repeatedKeys: { faults: [], omitted: 0 },
    path: [],
    aliased: 0
  }
  const { value } = valueOf(reading, document.contents)
  if (reading.fatal.faults.length > 0) return Either.left(listed(reading, reading.fatal, undefined))
  return Either.right({
    value,
    locate: locateIn(reading, value, startOf(document.contents)),
    writtenAt: writtenIn(reading, value),
    repeatedKeys: listed(reading, reading.repeatedKeys, value)
  })
}

const listed = ({ position }: Reading, { faults, omitted }: Noted, workflow: unknown): WorkflowProblem.Listed => ({
  problems: faults.map(({ extent, finding }) => WorkflowProblem.make(finding, { position: position(extent), workflow })),
  omitted
})

/** Finds where the value at a path is written, or its key. */
const locateIn = ({ places, position, text }: Reading, root: unknown, start: number): YamlTree["locate"] => (path, atKey, within) => {
  let inner = root
  let extent: YamlSyntax.Extent = [start]
  for (const [index, key] of path.entries()) {
    const place = Predicate.isObject(inner) ? places.get(inner)?.entries.get(key) : undefined
    // What is not there is told at the beginning of what it is missing in.
    if (place === undefined) return position([extent[0]])
    extent = atKey && index === path.length - 1 ? place.key : place.value
    inner = Reflect.get(Object(inner), key)
  }
  return position((within === undefined ? undefined : extentWithin(text, extent, inner, within)) ?? extent)
}

const opening = "${{"

/**
 * Finds a part of a value in the text of the file. Of an expression, or a part of one: the expressions of a value are written in the order in
 * which they are in it, whatever quotes or indentation are around them. One that is written over several lines, or with
 * escapes, is found at its beginning.
 */
const extentWithin = (
  text: string,
  [start, end]: YamlSyntax.Extent,
  value: unknown,
  within: WorkflowProblem.Within
): YamlSyntax.Extent | undefined => {
  if (typeof value !== "string" || end === undefined) return undefined
  const source = text.slice(start, end)
  if (!value.includes(opening)) {
    // A text that is written as it is, whatever quotes are around it.
    const written = source.indexOf(value)
    return written === -1 ? undefined : [start + written + within.start, start + written + within.end]
  }
  const inValue = occurrences(value, opening)
  const inSource = occurrences(source, opening)
  const last = inValue.findLastIndex((each) => each <= within.start)
  const [opened, written] = [inValue[last], inSource[last]]
  // An escape can be an opening that is not seen, and so can an alias be.
  if (opened === undefined || written === undefined || inValue.length !== inSource.length) return undefined
  return source.startsWith(value.slice(opened, within.end), written)
    ? [start + written + within.start - opened, start + written + within.end - opened]
    : [start + written, start + written + opening.length]
}

const occurrences = (text: string, sign: string): ReadonlyArray<number> => {
  const found: Array<number> = []
  for (let at = text.indexOf(sign); at !== -1; at = text.indexOf(sign, at + sign.length)) found.push(at)
  return found
}

/** Finds how the value at a path is written. */
const writtenIn = ({ places }: Reading, root: unknown): YamlTree["writtenAt"] => (path) => {
  const around = path.slice(0, -1).reduce<unknown>((inner, key) => Reflect.get(Object(inner), key), root)
  return Predicate.isObject(around) ? places.get(around)?.entries.get(path.at(-1) ?? "")?.written : undefined
}

const refuse = (reading: Reading, extent: YamlSyntax.Extent, found: string, expected: string): Built => {
  note(reading.fatal, { path: [...reading.path], found, expected }, extent)
  return nothing
}

const note = (noted: Noted, finding: WorkflowProblem.Finding, extent: YamlSyntax.Extent): void => {
  if (noted.faults.length === WorkflowProblem.maxProblems) noted.omitted++
  else noted.faults.push({ finding, extent })
}

const valueOf = (reading: Reading, node: Node | null | undefined): Built => {
  if (node === null || node === undefined) return nothing
  if (isAlias(node)) return resolve(reading, node.source, extentOf(node))
  const { anchors, fatal, path } = reading
  if (path.length > YamlSyntax.maxDepth) {
    if (fatal.faults.length === 0) note(fatal, YamlSyntax.tooDeep([...path]), [startOf(node)])
    return nothing
  }
  const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined
  if (anchor !== undefined) anchors.set(anchor, "unfinished")
  const built = isMap<Node, Node | null>(node) ? mapOf(reading, node.items, startOf(node))
    : isSeq<Node>(node) ? listOf(reading, node.items, startOf(node))
    : { value: isScalar(node) ? node.value : null, size: 1 }
  if (anchor !== undefined) anchors.set(anchor, built)
  return built
}

const resolve = (reading: Reading, anchor: string, extent: YamlSyntax.Extent): Built => {
  const target = reading.anchors.get(anchor)
  if (target === undefined) return refuse(reading, extent, `the alias *${anchor}`, `an anchor &${anchor} before it`)
  if (target === "unfinished") {
    return refuse(reading, extent, `the alias *${anchor} inside of its own anchor`, "another value")
  }
  const before = reading.aliased
  reading.aliased += target.size
  if (reading.aliased <= maxAliasedValues) return target
  // Once is enough: what follows is over the limit as well.
  if (before > maxAliasedValues) return nothing
  return refuse(reading, extent, `aliases that add more than ${maxAliasedValues} values`, "fewer or smaller aliases")
}

const listOf = (reading: Reading, items: ReadonlyArray<Node>, start: number): Built => {
  const entries: Places["entries"] = new Map()
  let size = 1
  const value = items.map((item, index) => {
    const extent = extentOf(item, start)
    entries.set(index, { key: extent, value: extent, written: writtenBy(item) })
    const built = within(reading, index, item)
    size += built.size
    return built.value
  })
  reading.places.set(value, { start, entries })
  return { value, size }
}

const mapOf = (
  reading: Reading,
  items: ReadonlyArray<{ key: Node; value: Node | null }>,
  start: number
): Built => {
  const { path, places, position, repeatedKeys } = reading
  const entries: Places["entries"] = new Map()
  const values = new Map<string, unknown>()
  const merged: Array<unknown> = []
  let size = 1
  for (const { key, value } of items) {
    const extent = extentOf(key, start)
    const name = keyOf(reading, key)
    const built = within(reading, name, value)
    size += built.size
    if (isScalar(key) && key.type === Scalar.PLAIN && name === "<<") {
      merged.push(...mergeable(reading, built.value, extentOf(value, extent[0])))
      continue
    }
    if (values.has(name)) {
      const finding = {
        path: [...path, name],
        found: `the key ${WorkflowProblem.quote(name)} a second time`,
        expected: `each key once (the first is in line ${position(entries.get(name)?.key ?? [start]).line})`
      }
      note(repeatedKeys, finding, extent)
    }
    values.set(name, built.value)
    entries.set(name, { key: extent, value: extentOf(value, extent[0]), written: writtenBy(value) })
  }
  for (const source of merged) {
    if (!Predicate.isRecord(source)) continue
    for (const [name, value] of Object.entries(source)) {
      if (values.has(name)) continue
      values.set(name, value)
      entries.set(name, places.get(source)?.entries.get(name) ?? { key: [start], value: [start] })
    }
  }
  const value = Object.fromEntries(values)
  places.set(value, { start, entries })
  return { value, size }
}

const within = (reading: Reading, key: PropertyKey, node: Node | null): Built => {
  reading.path.push(key)
  const built = valueOf(reading, node)
  reading.path.pop()
  return built
}

const keyOf = (reading: Reading, node: Node | null): string => {
  const { value } = valueOf(reading, node)
  if (!Predicate.isObject(value)) return String(value)
  refuse(reading, extentOf(node), `${WorkflowProblem.describe(value)} as a key`, "text as a key")
  return ""
}

const mergeable = (reading: Reading, value: unknown, extent: YamlSyntax.Extent): ReadonlyArray<unknown> => {
  const sources = Array.isArray(value) ? value : [value]
  if (sources.every(isPlainMap)) return sources
  refuse(reading, extent, WorkflowProblem.describe(value), "a map, or a list of maps, to merge")
  return []
}

const isPlainMap = (value: unknown): boolean => Predicate.isRecord(value) && !Array.isArray(value)

const writtenBy = (node: Node | null): string | undefined => (isScalar(node) && node.type === Scalar.PLAIN ? node.source : undefined)

const startOf = (node: Node | null | undefined, otherwise = 0): number => node?.range?.[0] ?? otherwise

const extentOf = (node: Node | null | undefined, otherwise = 0): YamlSyntax.Extent =>
  node?.range ? [node.range[0], node.range[1]] : [otherwise]
