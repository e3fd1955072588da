/**
 * The files by which Linux is asked about control groups, and told of them. All
 * is done in one go: a process is started between two of such steps, and nothing
 * can be waited for when this program exits.
 */
import { accessSync, constants, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs"

/** What can be done to the files. */
export interface ControlFiles {
  /** The text of a file; nothing when there is none that can be read. */
  readonly read: (file: string) => string | undefined
  /** Writes to a file that is there. Throws what the system says when it refuses. */
  readonly write: (file: string, text: string) => void
  readonly isWritable: (path: string) => boolean
  /** The directories in a directory. */
  readonly directoriesIn: (path: string) => ReadonlyArray<string>
  readonly makeDirectory: (path: string) => void
  /** Removes a directory in which nothing is but what the system has put there. */
  readonly removeDirectory: (path: string) => void
}

const read = (file: string): string | undefined => {
  try {
    return readFileSync(file, "utf8")
  } catch {
    return undefined
  }
}

const isWritable = (path: string): boolean => {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

const directoriesIn = (path: string): ReadonlyArray<string> => {
  try {
    return readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [`${path}/${entry.name}`] : []))
  } catch {
    return []
  }
}

/** Those of this system. */
export const system: ControlFiles = {
  read,
  isWritable,
  directoriesIn,
  write: (file, text) => writeFileSync(file, text, { flag: "r+" }),
  makeDirectory: (path) => mkdirSync(path),
  removeDirectory: (path) => rmdirSync(path)
}
