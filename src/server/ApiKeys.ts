/**
 * The keys of the API of runs, and what each of them may do: a file for its owner
 * alone, a line for each key, which is made with one of each kind where there is none.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import type { PlatformError } from "@effect/platform/Error"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as PrivateDirectory from "../settings/PrivateDirectory.ts"
import { Role } from "./RunsApi.ts"

/** A key, and its name for those who read what was done with it. */
export interface ApiKey {
  readonly role: Role
  readonly key: Redacted.Redacted
  readonly name: string
}

/** The file of keys can not be used. */
export class ApiKeysError extends Schema.TaggedError<ApiKeysError>()("ApiKeysError", {
  path: Schema.String,
  problem: Schema.String
}) {
  override get message(): string {
    return `the keys of the API (${this.path}): ${this.problem}`
  }
}

/** The shortest key that a person may choose. */
const minLength = 20

/** As many keys as a file may have. */
const maxKeys = 1000

/** A file that is larger is none of keys. */
const maxBytes = 256 * 1024

const isRole = Schema.is(Role)

const parseLine = (line: string, number: number): ApiKey | string => {
  const [role = "", key = "", ...rest] = line.trim().split(/\s+/)
  if (!isRole(role)) return `line ${number}: expected read or operate, a key, and a name for it`
  if (key.length < minLength) return `line ${number}: a key has at least ${minLength} characters`
  const name = rest.join(" ")
  return { role, key: Redacted.make(key), name: name === "" ? `a key of line ${number}` : name }
}

/** Reads the text of a file of keys: `ROLE KEY NAME` a line, and `#` before what is for people. */
export const parse = (path: string, text: string): Effect.Effect<ReadonlyArray<ApiKey>, ApiKeysError> =>
  Effect.gen(function*() {
    const refuse = (problem: string) => new ApiKeysError({ path, problem })
    const lines = text.split("\n").map((line, index) => ({ line, number: index + 1 }))
    const keys: Array<ApiKey> = []
    for (const { line, number } of lines) {
      if (line.trim() === "" || line.trim().startsWith("#")) continue
      const parsed = parseLine(line, number)
      if (typeof parsed === "string") return yield* refuse(parsed)
      if (keys.some(({ key }) => Redacted.value(key) === Redacted.value(parsed.key))) return yield* refuse(`line ${number}: the key is there twice`)
      keys.push(parsed)
    }
    if (keys.length === 0) return yield* refuse("it has no key; remove the file for new ones to be made")
    return keys.length > maxKeys ? yield* refuse(`it has ${keys.length} keys, and can have ${maxKeys}`) : keys
  })

const random: Effect.Effect<Redacted.Redacted> = Effect.sync(() => Redacted.make(randomBytes(32).toString("base64url")))

const rendered = (keys: ReadonlyArray<ApiKey>): string =>
  ["# What may be asked of telemachy serve: read or operate, the key, and a name for who has it.",
    ...keys.map(({ key, name, role }) => `${role} ${Redacted.value(key)} ${name}`)].join("\n") + "\n"

const why = (error: PlatformError): string =>
  error._tag === "SystemError" && error.reason === "PermissionDenied" ? "no permission" : error.message

/** Makes the file: all of it or nothing, and not in the place of one that another process has just made. */
const create = Effect.fnUntraced(function*(path: string) {
  const files = yield* FileSystem.FileSystem
  const directory = (yield* Path.Path).dirname(path)
  const keys: ReadonlyArray<ApiKey> = [
    { role: "operate", key: yield* random, name: "made at the first start" },
    { role: "read", key: yield* random, name: "made at the first start" }
  ]
  yield* PrivateDirectory.make(directory)
  const scratch = yield* files.makeTempDirectoryScoped({ directory, prefix: ".telemachy-" })
  const part = `${scratch}/keys`
  yield* files.writeFileString(part, rendered(keys), { mode: 0o600, flag: "wx" })
  yield* files.link(part, path)
  return keys
}, Effect.scoped)

/** Reads the keys of a file, and makes it where there is none. Tells whether it was made now. */
export const load = Effect.fn("ApiKeys.load")(function*(path: string) {
  const files = yield* FileSystem.FileSystem
  const refuse = (problem: string) => new ApiKeysError({ path, problem })
  const isThere = (error: PlatformError) => error._tag === "SystemError" && error.reason === "AlreadyExists"
  const read = Effect.gen(function*() {
    const { mode, size, type } = yield* files.stat(path)
    if (type !== "File") return yield* refuse("it is no file")
    if ((mode & 0o022) !== 0) return yield* refuse(`others may write to it: chmod 600 ${path}`)
    if (size > maxBytes) return yield* refuse(`it has ${size} bytes, and can have ${maxBytes}`)
    if ((mode & 0o044) !== 0) yield* Effect.logWarning(`others may read the keys of the API: chmod 600 ${path}`)
    return { keys: yield* parse(path, yield* files.readFileString(path)), isNew: false }
  })
  const made = Effect.map(create(path), (keys) => ({ keys, isNew: true }))
  const found = (yield* files.exists(path)) ? read : Effect.catchIf(made, (error): error is PlatformError => isThere(error), () => read)
  return yield* found
}, (effect, path) =>
  Effect.catchTags(effect, {
    SystemError: (error) => new ApiKeysError({ path, problem: why(error) }),
    BadArgument: (error) => new ApiKeysError({ path, problem: why(error) })
  }))

const digest = (value: string): Buffer => createHash("sha256").update(value).digest()

/** Finds whose key it is, in a time that says nothing of how much of one was right. */
export const finder = (keys: ReadonlyArray<ApiKey>) => {
  const known = keys.map((each) => ({ ...each, digest: digest(Redacted.value(each.key)) }))
  return (given: Redacted.Redacted): ApiKey | undefined => {
    const asked = digest(Redacted.value(given))
    return known.find(({ digest }) => timingSafeEqual(digest, asked))
  }
}
