/**
 * The built command, run as a user runs it: a process with arguments, an
 * environment and streams. Whatever it does, it is waited for so long and no
 * longer, ends with the scope, and never shows a stack, a control character or
 * a key.
 */
import { spawn } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, it, type TestContext } from "@effect/vitest"
import * as Config from "effect/Config"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as RunEvent from "../../src/run/RunEvent.ts"

type Event = RunEvent.RunEvent

/** The root of the project. */
export const root = fileURLToPath(new URL("../..", import.meta.url))

/** The command, as `npm run build` makes it. */
export const bin = join(root, "dist/bin.js")

/** Where what is known of the command from its last start is kept, for all tests together. */
const caches = join(root, ".cache")

/** Settings under which a run notices within a second or two what otherwise takes minutes. */
export const impatient = {
  HEALTHCHECK_INTERVAL_SECONDS: "0.2",
  HEALTHCHECK_TIMEOUT_SECONDS: "1",
  HEALTHCHECK_FAILURE_THRESHOLD: "2",
  MONITOR_POLL_SECONDS: "0.2",
  REQUEST_TIMEOUT_SECONDS: "1",
  AGAMEMNON_RATE_LIMIT_RPS: "0",
  TEARDOWN_GRACE_SECONDS: "2",
  // Tests have more agents at work than a machine has cores.
  MAX_LOCAL_AGENTS: "1000"
} as const

/** How a process is started. */
export interface Options {
  /** Variables beside `PATH`, and the {@link impatient} settings. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Defaults to a directory that is empty. */
  readonly directory?: string | undefined
  /** What it reads on standard input. Defaults to nothing. */
  readonly input?: string | undefined
  /** Text that must not be in its output. Defaults to `AGAMEMNON_API_KEY`. */
  readonly secret?: string | undefined
  /** Whether it writes to a terminal, so that control characters are in order. */
  readonly terminal?: boolean | undefined
}

/** How a process ended, and all that it wrote. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  /** The events on standard output, when it was told to write them. */
  readonly events: ReadonlyArray<Event>
}

/** A process that runs. */
export interface Running {
  readonly pid: number
  /** What it has written so far. */
  readonly output: () => Pick<Ended, "stdout" | "stderr">
  readonly events: () => ReadonlyArray<Event>
  /** Waits until it has written something that `look` finds. */
  readonly until: <A>(what: string, look: () => A | undefined) => Effect.Effect<A, NotSeen>
  /** Waits for an event: the first, or the `nth`. */
  readonly event: (tag: Event["_tag"], nth?: number) => Effect.Effect<Event, NotSeen>
  readonly signal: (signal: NodeJS.Signals) => Effect.Effect<void>
  /** Types on its standard input, when that was given as `"typed"`. */
  readonly type: (text: string) => Effect.Effect<void>
  /** Stops reading its standard output. */
  readonly closeStdout: Effect.Effect<void>
  /** Waits for its end, and checks what holds whatever it was asked to do. */
  readonly ended: Effect.Effect<Ended, NotSeen>
  /** Waits for its end, when not all of its output was read. */
  readonly exited: Effect.Effect<Ended, NotSeen>
}

/** A process that did not do in time what it was expected to do. */
export class NotSeen extends Schema.TaggedError<NotSeen>()("NotSeen", {
  what: Schema.String,
  why: Schema.String,
  stdout: Schema.String,
  stderr: Schema.String
}) {
  override get message(): string {
    return `${this.what}: ${this.why}\n--- stdout\n${this.stdout.slice(-4000)}\n--- stderr\n${this.stderr.slice(-4000)}`
  }
}

/** The longest that anything is waited for: a limit for what hangs, so wide that a machine with much else to do keeps it. */
const patience: Duration.DurationInput = "4 minutes"

/** Does the same again and again, as a person who has lost patience, until a process has ended: copies within a second count once. */
export const again = (press: Effect.Effect<void>, ended: Running["ended"]): Running["ended"] =>
  Effect.raceFirst(ended, Effect.forever(Effect.delay(press, "200 millis")))

/** Standard input that stays open, to be typed on. */
export const typed = "typed"

const decodeLine = Schema.decodeUnknownEither(RunEvent.Json)

const lines = (text: string): ReadonlyArray<string> => text.split("\n").slice(0, -1)

/** Starts a program. */
export const start = Effect.fn("start")(function*(
  [file, ...args]: readonly [file: string, ...args: ReadonlyArray<string>],
  options: Options = {}
): Effect.fn.Return<Running, never, Scope.Scope> {
  const { env = {}, input = "", terminal = false } = options
  const secret = options.secret ?? (env["AGAMEMNON_API_KEY"] || undefined)
  const directory = options.directory ?? (yield* emptyDirectory)
  const path = yield* Effect.orDie(Config.string("PATH"))
  const isJson = args.some((argument) => /(^|[ '])--json([ ']|$)/.test(argument))
  const looks = new Set<() => void>()
  const lookAgain = () => looks.forEach((look) => look())
  const stdout: Array<Buffer> = []
  const stderr: Array<Buffer> = []
  const events: Array<Event> = []
  const undecoded: Array<string> = []
  let line = ""
  let end: Pick<Ended, "code" | "signal"> | undefined

  const child = yield* Effect.acquireRelease(
    Effect.sync(() => spawn(file, args, { cwd: directory, env: { PATH: path, HOME: directory, XDG_CACHE_HOME: caches, ...impatient, ...env } })),
    (started) => Effect.sync(() => started.kill("SIGKILL"))
  )
  child.stdout.on("data", (chunk: Buffer) => {
    stdout.push(chunk)
    if (isJson) {
      const parts = (line + chunk.toString()).split(/\r?\n/)
      line = parts.pop() ?? ""
      for (const each of parts) {
        Either.match(decodeLine(each), {
          onLeft: () => undecoded.push(each),
          onRight: (event) => events.push(event)
        })
      }
    }
    lookAgain()
  })
  child.stderr.on("data", (chunk: Buffer) => {
    stderr.push(chunk)
    lookAgain()
  })
  child.stdin.on("error", () => {})
  if (input !== typed) child.stdin.end(input)
  child.on("close", (code, signal) => {
    end = { code, signal }
    lookAgain()
  })

  const output = () => ({ stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() })

  const until = <A>(what: string, look: () => A | undefined): Effect.Effect<A, NotSeen> =>
    Effect.async<A, NotSeen>((resume) => {
      const check = () => {
        const found = look()
        if (found !== undefined) resume(Effect.succeed(found))
        else if (end !== undefined) {
          const why = `the process ended before, with ${end.signal ?? `exit code ${end.code}`}`
          resume(new NotSeen({ what, why, ...output() }))
        } else return
        looks.delete(check)
      }
      looks.add(check)
      check()
      return Effect.sync(() => looks.delete(check))
    }).pipe(
      Effect.timeoutFail({ duration: patience, onTimeout: () => new NotSeen({ what, why: "not seen in time", ...output() }) })
    )

  const exited = Effect.map(until("the end", () => end), (how): Ended => {
    const all = { ...how, ...output(), events: [...events] }
    assertSound(all, { secret, terminal })
    return all
  })

  const ended = Effect.tap(exited, () => {
    assert.deepStrictEqual(undecoded, [], "lines of standard output that are not events")
    assert.strictEqual(line, "", "an event that was cut off")
  })

  return {
    pid: child.pid ?? 0,
    output,
    events: () => events,
    until,
    event: (tag, nth = 1) => until(`event ${tag} ${nth}`, () => events.filter(({ _tag }) => _tag === tag)[nth - 1]),
    signal: (signal) => Effect.sync(() => child.kill(signal)),
    type: (text) => Effect.sync(() => child.stdin.write(text)),
    closeStdout: Effect.sync(() => child.stdout.destroy()),
    ended,
    exited
  }
})

const stack = /^\s+at .*:\d+:\d+\)?\s*$/m
const control = /[^\P{Cc}\n]/u

const assertSound = (
  { stderr, stdout }: Pick<Ended, "stdout" | "stderr">,
  { secret, terminal }: { readonly secret: string | undefined; readonly terminal: boolean }
) => {
  const text = `${stdout}\n${stderr}`
  assert.strictEqual(stack.exec(text)?.[0], undefined, `a stack was shown: ${text}`)
  if (!terminal) assert.notMatch(text, control, "a control character was written")
  if (secret !== undefined) assert.notInclude(text, secret, "the key was shown")
}

/** Starts the command. */
export const telemachy = (args: ReadonlyArray<string>, options?: Options): Effect.Effect<Running, never, Scope.Scope> =>
  start([process.execPath, bin, ...args], options)

const forShell = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`

/** Whether there is a program that makes terminals. */
export const hasTerminals = existsSync("/usr/bin/script")

/** Starts the command on a terminal of this size, where both of its streams come out as standard output. */
export const onTerminal = (
  args: ReadonlyArray<string>,
  options: Options & { readonly columns?: number; readonly rows?: number; readonly redirect?: string } = {}
): Effect.Effect<Running, never, Scope.Scope> => {
  const { columns = 80, redirect = "", rows = 24 } = options
  const line = [process.execPath, bin, ...args].map(forShell).join(" ")
  return start(["script", "-qec", `stty cols ${columns} rows ${rows} -echo; exec ${line} ${redirect}`, "/dev/null"], {
    terminal: true,
    input: typed,
    ...options
  })
}

/** Runs the command to its end. */
export const run = (args: ReadonlyArray<string>, options?: Options): Effect.Effect<Ended, NotSeen> =>
  Effect.scoped(Effect.flatMap(telemachy(args, options), ({ ended }) => ended))

/** The last line that a person reads. */
export const lastLine = (text: string): string => lines(text).at(-1) ?? ""

/** Makes a directory that is removed with the scope. */
export const emptyDirectory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "telemachy-test-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
)

/** Writes files into a new directory, and answers its path. */
export const directoryWith = (files: Readonly<Record<string, string>>) =>
  Effect.tap(emptyDirectory, (directory) =>
    Effect.sync(() => Object.entries(files).forEach(([name, text]) => writeFileSync(join(directory, name), text))))

/** Tells whether a process has a handler of its own for SIGHUP, as the command has once it listens to signals. */
export const listensToSignals = (pid: number) =>
  Effect.sync(() => {
    const caught = /^SigCgt:\s*[0-9a-f]*([0-9a-f])$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "0"
    return Number.parseInt(caught, 16) % 2 === 1
  })

/** The processes whose environment holds a text. */
export const processesWith = (text: string) =>
  Effect.sync(() =>
    readdirSync("/proc").filter((id) => /^\d+$/.test(id)).filter((id) => {
      try {
        return readFileSync(`/proc/${id}/environ`, "utf8").includes(text)
      } catch {
        return false
      }
    }).map(Number))

/** The commands whose environment holds a text, whatever has started them. */
export const commandsWith = (text: string, program: string = bin) =>
  Effect.map(processesWith(text), (processes) =>
    processes.filter((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[1] === program))

// So many in each worker: the machine still answers pings in time.
const slots = Effect.unsafeMakeSemaphore(2)

/** A test of the command, for `describe.concurrent`: only so many are under way at once. */
export const test = <A, E>(name: string, body: (context: TestContext) => Effect.Effect<A, E, Scope.Scope>): void =>
  it.scopedLive(name, (context) => slots.withPermits(1)(Effect.scoped(body(context))), 300_000)
