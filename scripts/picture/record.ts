/**
 * Records the demonstration: the built command runs `workflows/apart.yaml` on a
 * terminal, with programs that stand in for its agents, and what is on the screen
 * in its decisive moments becomes the picture that leads the README. What differs
 * from run to run, as ids and ports, is written as something that does not.
 */
import { execFileSync, spawn } from "node:child_process"
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { env as outer, execPath } from "node:process"
import { setTimeout as sleep } from "node:timers/promises"
import * as Screen from "./Screen.ts"
import * as Sources from "./Sources.ts"
import * as Svg from "./Svg.ts"

const [columns, rows] = [119, 22]

/** The longest that the run may take, in milliseconds. */
const limit = 120_000

/** A moment that is shown: the last screen before the next one begins. */
interface Moment {
  readonly shows: RegExp
  /** For how many seconds it is shown. */
  readonly seconds: number
  /** What it says of the time that the run has taken so far, and the task that runs: on another day it is a little more or less. */
  readonly at: number
  readonly running: number
}

const spinner = "[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]"

const running = (subject: string): string => `${spinner} ${subject} .*running`

const moments: ReadonlyArray<Moment> = [
  { shows: new RegExp(`${running("Write the code")}[^]*${running("Write the tests")}`), seconds: 3, at: 3, running: 3 },
  { shows: new RegExp(`✔ Write the code[^]*${running("Write the tests")}`), seconds: 2, at: 5, running: 5 },
  { shows: new RegExp(running("Review both")), seconds: 2.5, at: 8, running: 2 },
  { shows: new RegExp(`${spinner} Merge both`), seconds: 2.5, at: 10, running: 1 },
  { shows: /waits for an answer: Take the branch/, seconds: 4, at: 12, running: 0 },
  { shows: /workflow apart completed/, seconds: 7, at: 14, running: 0 }
]

/** What is written of the id of any run. */
const id = "5b209f28af3d808f"

/** Writes what is of this run alone as something that is of none. */
const settled = ({ at, running }: Moment) => (line: string): string =>
  line
    .replaceAll(/\b[0-9a-f]{16}\b/g, id)
    .replaceAll(/telemachy\/([0-9a-f]+)…/g, (_, cut: string) => `telemachy/${id.slice(0, cut.length)}…`)
    .replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:40961")
    .replaceAll(/approved by .* on \S+/g, "approved by me")
    .replaceAll(new RegExp(spinner, "g"), "⠸")
    .replaceAll(/next ping in \d+s|last answer \S+ ago/g, "next ping in 9s")
    // The stand-ins take whole seconds, and the rest is what this machine takes.
    .replaceAll(/\b(\d+)\.\ds/g, (_, seconds: string) => `${seconds}.0s`)
    .replaceAll(/\d+\.0s( +running)/g, `${running}.0s$1`)
    .replaceAll(/(^apart +\d\/\d +|completed in )\d+\.0s/g, `$1${at}.0s`)

const scratch = mkdtempSync(join(tmpdir(), "telemachy-picture-"))

const record = async (): Promise<ReadonlyArray<Screen.Screen>> => {
  const [project, tools, home] = ["project", "tools", "home"].map((name) => join(scratch, name)) as [string, string, string]
  for (const directory of [project, tools, home]) mkdirSync(directory)
  copyFileSync(resolve("scripts/picture/claude"), join(tools, "claude"))
  const env = {
    PATH: `${tools}:${outer["PATH"] ?? ""}`,
    HOME: home,
    LANG: "C.UTF-8",
    TERM: "xterm-256color",
    ANTHROPIC_API_KEY: "none",
    MAX_LOCAL_AGENTS: "8",
    MONITOR_POLL_SECONDS: "0.2",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_NOSYSTEM: "1"
  }
  const git = (...args: ReadonlyArray<string>) => execFileSync("git", ["-c", "user.name=me", "-c", "user.email=me@example.com", ...args], { cwd: project, env })
  git("init", "--quiet", "--initial-branch=main")
  writeFileSync(join(project, "list.sh"), "list\n")
  git("add", "--all")
  git("commit", "--quiet", "--message=first")
  const command = [execPath, resolve("dist/bin.js")]
  const run = [...command, "run", resolve("workflows/apart.yaml"), "--yes", "--input", `repository=${project}`, "--input", "task='Add a --json flag to list'"]
  const child = spawn("script", ["-qec", `stty cols ${columns} rows ${rows} -echo; exec ${run.join(" ")}`, "/dev/null"], { cwd: scratch, env, stdio: ["pipe", "pipe", "inherit"], timeout: limit, killSignal: "SIGKILL" })
  const screen = Screen.make()
  const found: Array<Screen.Screen | undefined> = moments.map(() => undefined)
  let reached = 0
  let answered: Promise<void> | undefined
  const decoder = new TextDecoder()
  child.stdout.on("data", (chunk: Buffer) => {
    screen.write(decoder.decode(chunk, { stream: true }))
    const seen = screen.look()
    const text = seen.map(Screen.textOf).join("\n")
    const moment = moments.findIndex(({ shows }, index) => index >= reached && shows.test(text))
    // What a program writes for another is no picture.
    if (moment === -1 || text.includes('{"type"')) return
    reached = moment
    found[moment] = seen
    if (moment !== moments.length - 2 || answered !== undefined) return
    answered = sleep(1000).then(() => void execFileSync(command[0] ?? "", [...command.slice(1), "approve", "latest"], { cwd: scratch, env }))
  })
  const code = await new Promise<number | null>((done) => void child.on("close", done))
  await answered
  const missing = moments.filter((_, index) => found[index] === undefined)
  if (code !== 0 || missing.length > 0) {
    throw new Error(`the run has ended with ${code ?? `no code within ${limit} ms`}, and ${missing.map(({ shows }) => String(shows)).join(", ") || "nothing"} was not seen:\n${screen.look().map(Screen.textOf).join("\n")}`)
  }
  return found.flatMap((each) => (each === undefined ? [] : [each]))
}

try {
  const screens = await record()
  const frames = moments.flatMap((moment, index) => {
    const screen = screens[index]
    return screen === undefined ? [] : [{ screen: Screen.mapLines(screen, settled(moment)), seconds: moment.seconds }]
  })
  const title = "telemachy run workflows/apart.yaml"
  writeFileSync(Sources.picture, Svg.render(frames, { title, columns, digest: Sources.digest() }))
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
