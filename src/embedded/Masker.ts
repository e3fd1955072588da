/**
 * Writes `***` for each form of a secret in streams of bytes, wherever these are
 * cut into chunks. What can still become one is held back until that is known,
 * and nothing else is.
 *
 * All forms are looked for at once, as Aho and Corasick do it: one step a byte.
 */
import * as SecretForms from "./SecretForms.ts"

/** Masks one stream. */
export interface MaskedStream {
  /** Takes the next chunk, and answers what can be told by now. */
  readonly write: (chunk: Uint8Array) => Uint8Array
  /** Answers what was held back. Nothing comes after it. */
  readonly end: () => Uint8Array
}

/** Masks what is secret. */
export interface Masker {
  /** Begins a stream. */
  readonly stream: () => MaskedStream
  /** Masks a text. */
  readonly text: (text: string) => string
}

const nothing: Uint8Array = new Uint8Array()
const mask = Buffer.from("***")

/** Masks nothing. */
export const none: Masker = {
  stream: () => ({ write: (chunk) => chunk, end: () => nothing }),
  text: (text) => text
}

/** Makes what masks these secrets, in all their forms. */
export const make = (secrets: ReadonlyArray<string>): Masker => {
  const forms = secrets.flatMap(SecretForms.of)
  if (forms.length === 0) return none
  const search = searchFor(forms.map((form) => Buffer.from(form)))
  return {
    stream: () => streamOf(search),
    text: (text) => {
      const { end, write } = streamOf(search)
      return Buffer.concat([write(Buffer.from(text)), end()]).toString()
    }
  }
}

/** Looks for forms. A state stands for the beginning of a form that was just read; 0 stands for none. */
interface Search {
  readonly next: (state: number, byte: number) => number
  /** How many bytes were read of that form. */
  readonly depthOf: (state: number) => number
  /** The length of the longest form that ends here, or 0. */
  readonly foundAt: (state: number) => number
}

const searchFor = (forms: ReadonlyArray<Uint8Array>): Search => {
  const edges = new Map<number, number>()
  const depth = [0]
  const found = [0]
  /** The state for the longest end of what was read that begins a form as well. */
  const shorter = [0]
  /** The states, with the edges that lead to them. */
  const states: Array<{ readonly state: number; readonly from: number; readonly byte: number }> = []

  const addForm = (form: Uint8Array) => {
    let state = 0
    for (const byte of form) {
      const known = edges.get(state * 256 + byte)
      if (known === undefined) {
        edges.set(state * 256 + byte, depth.length)
        states.push({ state: depth.length, from: state, byte })
        depth.push((depth[state] ?? 0) + 1)
        found.push(0)
        shorter.push(0)
      }
      state = known ?? depth.length - 1
    }
    found[state] = form.length
  }

  const next = (state: number, byte: number): number => {
    for (let from = state;; from = shorter[from] ?? 0) {
      const to = edges.get(from * 256 + byte)
      if (to !== undefined) return to
      if (from === 0) return 0
    }
  }

  forms.forEach(addForm)
  states.sort((one, other) => (depth[one.state] ?? 0) - (depth[other.state] ?? 0))
  for (const { byte, from, state } of states) {
    if (from !== 0) shorter[state] = next(shorter[from] ?? 0, byte)
    found[state] ||= found[shorter[state] ?? 0] ?? 0
  }
  return { next, depthOf: (state) => depth[state] ?? 0, foundAt: (state) => found[state] ?? 0 }
}

/** Bytes of a stream that are masked, counted from its beginning. */
interface Masked {
  start: number
  readonly end: number
  /** Whether the mask was written. */
  readonly isWritten: boolean
}

const streamOf = ({ depthOf, foundAt, next }: Search): MaskedStream => {
  let state = 0
  /** How many bytes were read, and the last of them, which are not told yet. */
  let read = 0
  let held = nothing
  /** What of these is masked, in order and without overlap. */
  let masked: Array<Masked> = []

  const note = (start: number, end: number) => {
    let all: Masked = { start, end, isWritten: false }
    for (let last = masked.at(-1); last !== undefined && last.end > start; last = masked.at(-1)) {
      masked.pop()
      all = { start: Math.min(all.start, last.start), end, isWritten: all.isWritten || last.isWritten }
    }
    masked.push(all)
  }

  /** Tells what was read before this byte of the stream. */
  const tell = (until: number): Uint8Array => {
    const start = read - held.length
    const parts: Array<Uint8Array> = []
    let told = start
    for (const each of masked) {
      if (each.start >= until) break
      parts.push(held.subarray(told - start, each.start - start))
      if (!each.isWritten) parts.push(mask)
      told = Math.min(each.end, until)
    }
    parts.push(held.subarray(told - start, until - start))
    held = held.subarray(until - start)
    masked = masked.filter(({ end }) => end > until).map((each) => each.start < until ? { ...each, start: until, isWritten: true } : each)
    return parts.length === 1 ? parts[0] ?? nothing : Buffer.concat(parts)
  }

  return {
    write: (chunk) => {
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
      for (const byte of chunk) {
        read += 1
        state = next(state, byte)
        const length = foundAt(state)
        if (length > 0) note(read - length, read)
      }
      return tell(read - depthOf(state))
    },
    end: () => tell(read)
  }
}
