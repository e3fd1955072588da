/**
 * What the compiler of Node has made of the program, kept from one start of a command to the next: most of the time of a
 * short command is compiling. It is loaded before anything else and so needs nothing but Node.
 *
 * Code is executed that was read from a file, so it is only read from a directory and a file that belong to this user and
 * that nobody else can write. V8 believes what it is given: a damaged file is told by its checksum. Nothing here ever fails
 * the command: without the files it starts more slowly.
 */
import * as fs from "node:fs"
import { dirname, isAbsolute, join } from "node:path"
import process from "node:process"
import { Script } from "node:vm"
import { crc32 } from "node:zlib"

/** Where the code of a command is kept, and what it is of. */
export interface Place {
  /** A directory of its own, which is made when its parent is there. */
  readonly directory: string
  /** The command: each uses other parts of the program. */
  readonly command: string
  /** What must be the same: the program, its version, that of Node. */
  readonly key: string
}

/** Code that was kept. */
export interface Kept {
  readonly code: Buffer
  /** How many processes have added to it. */
  readonly uses: number
}

/** So many processes add what they have used and the earlier ones have not. */
export const mostUses = 3

/** So many files are kept, those that were written last. */
export const mostFiles = 16

const checksumSize = 4
const headerSize = checksumSize + 1

/** Variables that say where files are kept, or that no code is. */
export type Environment = Readonly<Record<string, string | undefined>>

const owner = (): number | undefined => process.geteuid?.()

/** The directory that belongs to this program, in that for what can be made anew. */
export const directoryOf = (environment: Environment): string | undefined => {
  const { HOME: home = "", NODE_DISABLE_COMPILE_CACHE: disabled = "", XDG_CACHE_HOME: given = "" } = environment
  if (disabled !== "") return undefined
  if (isAbsolute(given)) return join(given, "telemachy")
  return isAbsolute(home) ? join(home, ".cache", "telemachy") : undefined
}

/** The name under which the code of a command line is kept. What asks for help uses the same parts, whatever it is about. */
export const commandOf = ([name = ""]: ReadonlyArray<string>, isHelp: boolean): string =>
  /^[a-z]{1,20}$/.test(name) && !isHelp ? name : "help"

const fileOf = ({ command, directory }: Place): string => join(directory, `${command}.code`)

/** Of the code and what it is of. */
const checksumOf = (key: string, content: Uint8Array): number => crc32(content, crc32(key))

/** Whether it is this user's, and nobody else can change it. */
const isPrivate = ({ mode, uid }: fs.Stats): boolean => uid === owner() && (mode & 0o022) === 0

const isPrivateDirectory = (directory: string): boolean => {
  const stats = fs.lstatSync(directory)
  return stats.isDirectory() && isPrivate(stats)
}

/** Reads the code of a command, if there is one that can be trusted and is of this program. */
export const read = (place: Place): Kept | undefined => {
  try {
    if (!isPrivateDirectory(place.directory)) return undefined
    const descriptor = fs.openSync(fileOf(place), fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW)
    try {
      const stats = fs.fstatSync(descriptor)
      if (!stats.isFile() || !isPrivate(stats)) return undefined
      const content = fs.readFileSync(descriptor)
      if (content.length <= headerSize) return undefined
      const isWhole = content.readUInt32LE() === checksumOf(place.key, content.subarray(checksumSize))
      return isWhole ? { code: content.subarray(headerSize), uses: content[checksumSize] ?? 0 } : undefined
    } finally {
      fs.closeSync(descriptor)
    }
  } catch {
    return undefined
  }
}

/** Makes a directory in one that is this user's: one that belongs to another, as under `sudo`, is not for this one's files. */
const makeDirectory = (directory: string): void => {
  const above = dirname(directory)
  const { uid } = fs.statSync(above, { throwIfNoEntry: false }) ?? {}
  if (uid === undefined) {
    // `.cache` in a home directory, and no more than that.
    if (fs.statSync(dirname(above)).uid !== owner()) return
    fs.mkdirSync(above, { mode: 0o700 })
  } else if (uid !== owner()) return
  fs.mkdirSync(directory, { mode: 0o700 })
}

/** Removes the oldest files, and what a process that was killed has left. */
const tidy = (directory: string): void => {
  const files = fs.readdirSync(directory)
    .filter((name) => /\.(code|new)$/.test(name))
    .map((name) => ({ path: join(directory, name), written: fs.statSync(join(directory, name)).mtimeMs }))
    .toSorted((one, other) => other.written - one.written)
  for (const { path } of files.slice(mostFiles)) fs.unlinkSync(path)
}

const removeQuietly = (path: string): void => {
  try {
    fs.unlinkSync(path)
  } catch {
    // It is not there.
  }
}

/** Keeps the code of a command. Another process sees all of it or none. */
export const write = (place: Place, { code, uses }: Kept): void => {
  const temporary = `${fileOf(place)}.${process.pid}.new`
  try {
    if (!fs.existsSync(place.directory)) makeDirectory(place.directory)
    if (!isPrivateDirectory(place.directory)) return
    const content = Buffer.concat([Buffer.alloc(checksumSize), Uint8Array.of(uses), code])
    content.writeUInt32LE(checksumOf(place.key, content.subarray(checksumSize)))
    fs.writeFileSync(temporary, content, { flag: "wx", mode: 0o600 })
    fs.renameSync(temporary, fileOf(place))
    tidy(place.directory)
  } catch {
    removeQuietly(temporary)
  }
}

/** A compiled program, and what the compiler knows of it by now. */
export interface Compiled {
  readonly script: Script
  /** Keeps what the compiler knows by now, if it is more than what is kept. */
  readonly keep: () => void
}

/** Compiles a program, with the code that is kept of it. */
export const compile = (source: string, filename: string, place: Place | undefined): Compiled => {
  const kept = place === undefined ? undefined : read(place)
  const script = new Script(source, { filename, ...(kept === undefined ? {} : { cachedData: kept.code }) })
  const uses = kept === undefined || script.cachedDataRejected === true ? 0 : kept.uses
  return {
    script,
    keep: () => {
      if (place !== undefined && uses < mostUses) write(place, { code: script.createCachedData(), uses: uses + 1 })
    }
  }
}
