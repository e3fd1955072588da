/**
 * What keeps the operating system from starting a program, told of what is to
 * blame. The system itself says only "no such file" or "no permission", whichever
 * of the program, its interpreter and its directory that is about.
 *
 * It is asked in one go, so that it can be asked once more when a start has failed.
 */
import { accessSync, closeSync, constants, openSync, readSync, statSync } from "node:fs"
import { dirname } from "node:path"
import * as Predicate from "effect/Predicate"

/** What is wrong, and what to do about it. */
export interface StartProblem {
  readonly problem: string
  readonly advice: string
}

const codeOf = (error: unknown): string =>
  Predicate.hasProperty(error, "code") && typeof error.code === "string" ? error.code : "UNKNOWN"

/** Tries what throws, and answers the code of the error. */
const failureOf = (attempt: () => unknown): string | undefined => {
  try {
    attempt()
    return undefined
  } catch (error) {
    return codeOf(error)
  }
}

const isDirectory = (path: string): boolean => statSync(path).isDirectory()

/** Whether there is a file, whoever may start it. */
export const isFile = (path: string): boolean => {
  let found = false
  failureOf(() => found = statSync(path).isFile())
  return found
}

const isMissing = (code: string): boolean => code === "ENOENT" || code === "ENOTDIR"

/** Says why no program can be started in a directory. */
export const ofDirectory = (directory: string): StartProblem | undefined => {
  const advice = "create it, or choose another working_dir"
  const code = failureOf(() => statSync(directory))
  if (code === "ENOENT") return { problem: `directory ${directory} does not exist`, advice }
  if (code === "ENOTDIR" || code === undefined && !isDirectory(directory)) {
    return { problem: `${directory} is not a directory`, advice }
  }
  if (code === undefined && failureOf(() => accessSync(directory, constants.X_OK)) === undefined) return undefined
  return {
    problem: `directory ${directory} can not be entered: no permission`,
    advice: "allow it, or choose another working_dir"
  }
}

/** Whether a directory is missing and can be made, because the one that it is in is there. */
export const canBeMade = (directory: string): boolean =>
  failureOf(() => statSync(directory)) === "ENOENT" &&
  failureOf(() => accessSync(dirname(directory), constants.W_OK | constants.X_OK)) === undefined &&
  isDirectory(dirname(directory))

// As much of the first line as the system looks at.
const firstBytes = (file: string): string => {
  const bytes = Buffer.alloc(256)
  const descriptor = openSync(file, "r")
  try {
    return bytes.toString("latin1", 0, readSync(descriptor, bytes, 0, bytes.length, 0))
  } finally {
    closeSync(descriptor)
  }
}

/** Says why the interpreter that a script names in its first line can not run it. */
const ofInterpreter = (file: string): StartProblem | undefined => {
  let beginning = ""
  // A program can be run without being read, and then it is no script.
  if (failureOf(() => beginning = firstBytes(file)) !== undefined) return undefined
  const [, interpreter = ""] = /^#![ \t]*([^ \t\n]+)/.exec(beginning) ?? []
  if (interpreter === "") return undefined
  const [line = ""] = beginning.split("\n")
  const code = failureOf(() => accessSync(interpreter.replace(/\r$/, ""), constants.X_OK))
  if (line.endsWith("\r")) {
    return { problem: `the first line of ${file} ends with CR LF, as on Windows`, advice: "save it with line ends of Unix (LF)" }
  }
  if (code === undefined && !isDirectory(interpreter)) return undefined
  return {
    problem: `interpreter ${interpreter} of ${file} ${code !== undefined && isMissing(code) ? "does not exist" : "can not be executed"}`,
    advice: "install it, or name another one in the first line"
  }
}

/** Says why a file can not be started as a program. */
export const ofFile = (file: string): StartProblem | undefined => {
  const code = failureOf(() => statSync(file))
  if (code !== undefined) {
    return isMissing(code)
      ? { problem: `program ${file} does not exist`, advice: "check its path, or choose another program" }
      : { problem: `program ${file} can not be reached: ${code === "EACCES" ? `no permission in ${dirname(file)}` : code}`, advice: "allow it, or choose another program" }
  }
  const info = statSync(file)
  if (info.isDirectory()) return { problem: `${file} is a directory, not a program`, advice: "name a program in it" }
  if (!info.isFile()) return { problem: `${file} is not a file that can be started`, advice: "choose another program" }
  if ((info.mode & 0o111) === 0) return { problem: `${file} is not executable`, advice: `make it so with chmod +x ${file}` }
  if (failureOf(() => accessSync(file, constants.X_OK)) !== undefined) {
    return { problem: `${file} may not be executed by this user`, advice: "allow it, or choose another program" }
  }
  return ofInterpreter(file)
}

const sentences: Readonly<Record<string, string>> = {
  ETXTBSY: "it is being written by another program just now",
  E2BIG: "its arguments and environment are too long",
  EAGAIN: "this user has too many processes",
  ENOMEM: "there is not enough memory",
  EMFILE: "too many files are open",
  ENFILE: "too many files are open on this machine",
  ENOEXEC: "it is not a program for this machine",
  EACCES: "no permission, though its file and its directory allow it: is it on a file system that is mounted noexec?"
}

/** Says why a start has failed that should not have. */
export const ofFailure = (file: string, directory: string, cause: unknown): string => {
  const found = ofDirectory(directory) ?? ofFile(file)
  const code = codeOf(cause)
  const words = found?.problem ?? sentences[code] ?? (Predicate.hasProperty(cause, "message") ? String(cause.message) : String(cause))
  return `${file} could not be started: ${words}`
}
