import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as EmbeddedAgamemnon from "../../../src/embedded/EmbeddedAgamemnon.ts"
import type * as BuiltInPrograms from "../../../src/embedded/program/BuiltInPrograms.ts"
import { createAgent, createTask, finished, readTask } from "../../support/HttpQuestion.ts"

/** What a program is expected to be called with, and what it answers, in the shape that its documentation records. */
interface Recorded {
  readonly command: string
  readonly args: ReadonlyArray<string>
  /** Whether the description is on standard input. */
  readonly reads: boolean
  readonly answer: string
  readonly usage?: Readonly<Record<string, number>>
  /** What it answers when it has failed with exit code 0, or another. */
  readonly failure: { readonly answer: string; readonly code: number; readonly says: string }
}

const lines = (...values: ReadonlyArray<unknown>) => values.map((each) => `${JSON.stringify(each)}\n`).join("")

const claudeEnd = {
  type: "result", subtype: "success", is_error: false, duration_ms: 2814, duration_api_ms: 2655, num_turns: 1, result: "It is done.",
  session_id: "5d7a8f1c-0d6f-4a3f-9f5e-2b0d0c3f6a11", total_cost_usd: 0.0125,
  usage: { input_tokens: 4, cache_creation_input_tokens: 1000, cache_read_input_tokens: 20000, output_tokens: 120 }
}

const recorded: Readonly<Record<keyof typeof BuiltInPrograms.written, Recorded>> = {
  "claude-code": {
    command: "claude",
    args: ["-p", "--output-format", "stream-json", "--verbose", "--model", "big"],
    reads: true,
    answer: lines(
      { type: "system", subtype: "init", session_id: claudeEnd.session_id, tools: ["Bash"], model: "big" },
      { type: "assistant", message: { content: [{ type: "text", text: "I begin." }], usage: { input_tokens: 4, output_tokens: 1 } }, session_id: claudeEnd.session_id },
      claudeEnd
    ),
    usage: { usd: 0.0125, input_tokens: 21_004, output_tokens: 120, cached_tokens: 20_000 },
    failure: { answer: lines({ ...claudeEnd, subtype: "error_during_execution", is_error: true, result: "Credit balance is too low" }), code: 0, says: "Credit balance is too low\n[claude-code says that it has failed]\n" }
  },
  codex: {
    command: "codex",
    args: ["exec", "--json", "--model", "big", "-"],
    reads: true,
    answer: lines(
      { type: "thread.started", thread_id: "0199a213-81c0-7800-8aa1-bbab2a035a53" },
      { type: "turn.started" },
      { type: "item.completed", item: { id: "item_0", type: "reasoning", text: "**Searching**" } },
      { type: "item.completed", item: { id: "item_3", type: "agent_message", text: "It is done." } },
      { type: "turn.completed", usage: { input_tokens: 24_763, cached_input_tokens: 24_448, output_tokens: 122 } }
    ),
    usage: { input_tokens: 24_763, output_tokens: 122, cached_tokens: 24_448 },
    failure: {
      answer: lines({ type: "thread.started", thread_id: "t" }, { type: "turn.started" }, { type: "turn.failed", error: { message: "unexpected status 401" } }),
      code: 1,
      says: "unexpected status 401\n[codex ended with exit code 1]\n"
    }
  },
  gemini: {
    command: "gemini",
    args: ["--output-format", "json", "--model", "big"],
    reads: true,
    answer: JSON.stringify({
      session_id: "b2", response: "It is done.",
      stats: {
        models: {
          "gemini-2.5-pro": { api: { totalRequests: 2 }, tokens: { prompt: 24_939, candidates: 20, total: 25_113, cached: 21_263, thoughts: 154, tool: 0 } },
          "gemini-2.5-flash": { api: { totalRequests: 1 }, tokens: { prompt: 8965, candidates: 10, total: 9033, cached: 0, thoughts: 30, tool: 28 } }
        },
        tools: { totalCalls: 1 }, files: { totalLinesAdded: 0 }
      }
    }, undefined, 2),
    usage: { input_tokens: 33_904, output_tokens: 214, cached_tokens: 21_263 },
    failure: { answer: JSON.stringify({ session_id: "b2", error: { type: "Error", message: "quota exceeded", code: 1 } }), code: 1, says: "quota exceeded\n[gemini ended with exit code 1]\n" }
  },
  opencode: {
    command: "opencode",
    args: ["run", "--format", "json", "--model", "big", "Do it."],
    reads: false,
    answer: lines(
      { type: "step_start", timestamp: 1, sessionID: "ses_1", part: { type: "step-start" } },
      { type: "text", timestamp: 2, sessionID: "ses_1", part: { type: "text", text: "I begin." } },
      { type: "step_finish", timestamp: 3, sessionID: "ses_1", part: { type: "step-finish", cost: 0.01, tokens: { input: 671, output: 8, reasoning: 2, cache: { read: 21_415, write: 0 } } } },
      { type: "text", timestamp: 4, sessionID: "ses_1", part: { type: "text", text: "It is done." } },
      { type: "step_finish", timestamp: 5, sessionID: "ses_1", part: { type: "step-finish", cost: 0.02, tokens: { input: 10, output: 5, reasoning: 0, cache: { read: 0, write: 4 } } } }
    ),
    usage: { usd: 0.03, input_tokens: 22_100, output_tokens: 15, cached_tokens: 21_415 },
    failure: { answer: lines({ type: "error", sessionID: "ses_1", error: { name: "APIError", data: { message: "invalid x-api-key" } } }), code: 0, says: "invalid x-api-key\n[opencode says that it has failed]\n" }
  },
  aider: {
    command: "aider",
    args: ["--yes-always", "--no-pretty", "--no-stream", "--no-check-update", "--model", "big", "--message-file", "FILE"],
    reads: false,
    answer: "It is done.",
    failure: { answer: "litellm.AuthenticationError", code: 1, says: "litellm.AuthenticationError\n[aider ended with exit code 1]\n" }
  },
  goose: {
    command: "goose",
    args: ["run", "--quiet", "--output-format", "json", "--no-session", "--model", "big", "-i", "-"],
    reads: true,
    answer: "    __( O)>  new session\n" + JSON.stringify({
      messages: [
        { role: "user", content: [{ type: "text", text: "Do it." }] },
        { role: "assistant", content: [{ type: "text", text: "It is done." }] }
      ],
      metadata: { total_tokens: 3217, input_tokens: 3214, output_tokens: 3, status: "completed" }
    }, undefined, 2),
    usage: { input_tokens: 3214, output_tokens: 3 },
    failure: { answer: "", code: 1, says: "no provider is configured\n[goose ended with exit code 1]\n" }
  },
  "cursor-agent": {
    command: "cursor-agent",
    args: ["-p", "--trust", "--output-format", "json", "--model", "big", "Do it."],
    reads: false,
    answer: lines({ type: "result", subtype: "success", is_error: false, duration_ms: 1234, duration_api_ms: 1234, result: "It is done.", session_id: "c6b62c6f", request_id: "10e11780" }),
    failure: { answer: lines({ type: "result", subtype: "error", is_error: true, result: "could not" }), code: 0, says: "could not\n[cursor-agent says that it has failed]\n" }
  },
  amp: {
    command: "amp",
    args: ["-x", "--stream-json"],
    reads: true,
    answer: lines(
      { type: "system", subtype: "init", session_id: "T-1" },
      { type: "assistant", message: { content: [{ type: "text", text: "It is done." }], usage: { input_tokens: 10, cache_read_input_tokens: 5, output_tokens: 7 } }, session_id: "T-1" },
      { type: "result", subtype: "success", is_error: false, num_turns: 1, result: "It is done.", session_id: "T-1" }
    ),
    usage: { input_tokens: 15, output_tokens: 7, cached_tokens: 5 },
    failure: { answer: lines({ type: "result", subtype: "error_during_execution", is_error: true, error: "out of credits", session_id: "T-1" }), code: 0, says: "out of credits\n[amp says that it has failed]\n" }
  },
  shell: { command: "sh", args: [], reads: true, answer: "It is done.", failure: { answer: "no", code: 2, says: "no\n[shell ended with exit code 2]\n" } }
}

/** Writes down how it is called, and answers what it is told to. */
const standIn = `#!/bin/sh
here=\${0%/*}
: > "$here/argv"
for word in "$@"; do
  printf '%s\\n' "$word" >> "$here/argv"
  case $word in *.txt) cat "$word" > "$here/file" ;; esac
done
cat > "$here/stdin"
cat "$here/answer"
cat "$here/errors" >&2
exit "$(cat "$here/code")"
`

describe.concurrent("BuiltInPrograms", () => {
  it.scopedLive.each(Object.entries(recorded))("starts %s and reads its answer", ([program, { answer, args, command, failure, reads, usage }]) =>
    Effect.gen(function*() {
      const directory = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "telemachy-programs-"))),
        (each) => Effect.sync(() => rmSync(each, { recursive: true, force: true }))
      )
      const read = (name: string) => readFileSync(join(directory, name), "utf8")
      const write = (name: string, text: string, mode = 0o600) => writeFileSync(join(directory, name), text, { mode })
      const answering = (text: string, code: number, errors = "") => {
        write("answer", text)
        write("code", String(code))
        write("errors", errors)
      }
      write(command, standIn, 0o700)
      // The stand-in of a shell is run by the real one.
      const PATH = `${directory}:/usr/bin:/bin`
      yield* Effect.gen(function*() {
        const prices = { huge: { input: 1, output: 10, cached: 0.1 }, [program]: { input: 2, output: 2 } }
        const server = yield* EmbeddedAgamemnon.make({ grace: "100 millis", prices })
        const agent = yield* createAgent(server, { name: "worker", program, workingDirectory: "/tmp", programArgs: program === "shell" ? [] : ["--model", "big"] })
        const done = Effect.fnUntraced(function*() {
          const task = yield* createTask(server, { subject: "s", description: "Do it.", assigneeAgentId: agent })
          const end = yield* finished(server, task)
          return { ...end, usage: (yield* readTask(server, task))["usage"] }
        })
        answering(answer, 0)
        assert.deepStrictEqual(yield* done(), { status: "completed", result: "It is done.", usage })
        const argv = read("argv").split("\n").slice(0, -1).map((word) => (word.endsWith(".txt") ? "FILE" : word))
        assert.deepStrictEqual(argv, args)
        assert.strictEqual(read("stdin"), reads ? "Do it." : "")
        if (args.includes("FILE")) assert.strictEqual(read("file"), "Do it.")
        answering(failure.answer, failure.code, program === "goose" ? "no provider is configured\n" : "")
        const { result, status } = yield* done()
        assert.deepStrictEqual({ status, result }, { status: "failed", result: failure.says })
        answering("not what was expected", 0)
        const other = yield* done()
        // Lines that are no JSON are told as they are; one value of JSON that is none is no answer.
        const isRefused = ["gemini", "goose", "cursor-agent"].includes(program)
        assert.deepStrictEqual({ ...other, usage: undefined }, {
          status: isRefused ? "failed" : "completed",
          result: isRefused ? `not what was expected\n[${program} ended with exit code 0 and has not answered in JSON]\n` : "not what was expected",
          usage: undefined
        })
      }).pipe(Effect.withConfigProvider(ConfigProvider.fromMap(new Map([["PATH", PATH]]))))
    }))
})
