/**
 * The programs that are known: data, in the form in which people add their own.
 * docs/agents.md says of each what its documentation was and what could not be
 * checked.
 */
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import { ProgramAdapter, type ProgramInput } from "./ProgramAdapter.ts"

const model = ["--model", "{model}"]

/** What Claude Code writes, and those that write as it does. */
const claudeLines = {
  format: "lines",
  result: { at: "result", when: { type: "result" } },
  error: [{ at: "error", when: { type: "result" } }, { at: "errors.*", when: { type: "result" } }],
  session: "session_id",
  failure: [{ at: "is_error", when: { type: "result" } }, { at: "subtype", when: { type: "result" }, not: "success" }]
} as const

/** The table, as it is written. */
export const written = {
  "claude-code": {
    command: ["claude", "-p", "--output-format", "stream-json", "--verbose", "{session}", "{args}"],
    model,
    session: { resume: ["--resume", "{session}"] },
    output: {
      ...claudeLines,
      usage: {
        usd: { at: "total_cost_usd", when: { type: "result" } },
        input_tokens: ["usage.input_tokens", "usage.cache_creation_input_tokens", "usage.cache_read_input_tokens"]
          .map((at) => ({ at, when: { type: "result" } })),
        output_tokens: { at: "usage.output_tokens", when: { type: "result" } },
        cached_tokens: { at: "usage.cache_read_input_tokens", when: { type: "result" } }
      }
    },
    login: {
      files: ["~/.claude/.credentials.json"],
      unless: [
        "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN", "CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX",
        "CLAUDE_CONFIG_DIR"
      ],
      advice: "log in with claude and its command /login, or set ANTHROPIC_API_KEY"
    }
  },
  codex: {
    command: ["codex", "exec", "--json", "{args}", "{session}", "-"],
    model,
    session: { resume: ["resume", "{session}"] },
    output: {
      format: "lines",
      result: { at: "item.text", when: { type: "item.completed", "item.type": "agent_message" } },
      error: [{ at: "message", when: { type: "error" } }, { at: "error.message", when: { type: "turn.failed" } }],
      session: { at: "thread_id", when: { type: "thread.started" } },
      usage: {
        input_tokens: { at: "usage.input_tokens", when: { type: "turn.completed" } },
        output_tokens: { at: "usage.output_tokens", when: { type: "turn.completed" } },
        cached_tokens: { at: "usage.cached_input_tokens", when: { type: "turn.completed" } }
      },
      failure: [{ at: "type", is: "turn.failed" }]
    },
    login: { check: ["login", "status"], unless: ["CODEX_API_KEY", "OPENAI_API_KEY"], advice: "log in with codex login, or set CODEX_API_KEY" }
  },
  gemini: {
    command: ["gemini", "--output-format", "json", "{session}", "{args}"],
    model,
    session: { resume: ["--resume", "{session}"] },
    output: {
      format: "json",
      result: "response",
      error: "error.message",
      session: "session_id",
      usage: {
        input_tokens: "stats.models.*.tokens.prompt",
        output_tokens: ["stats.models.*.tokens.candidates", "stats.models.*.tokens.thoughts"],
        cached_tokens: "stats.models.*.tokens.cached"
      },
      failure: [{ at: "error" }]
    },
    login: {
      files: ["~/.gemini/oauth_creds.json", "~/.gemini/settings.json", "~/.gemini/.env"],
      unless: ["GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GENAI_USE_GCA"],
      advice: "log in with gemini, or set GEMINI_API_KEY"
    }
  },
  opencode: {
    command: ["opencode", "run", "--format", "json", "{session}", "{args}", "{prompt}"],
    model,
    session: { resume: ["--session", "{session}"] },
    output: {
      format: "lines",
      result: { at: "part.text", when: { type: "text" } },
      error: [{ at: "error.name", when: { type: "error" } }, { at: "error.data.message", when: { type: "error" } }],
      session: "sessionID",
      usage: {
        usd: { at: "part.cost", when: { type: "step_finish" } },
        input_tokens: ["part.tokens.input", "part.tokens.cache.read", "part.tokens.cache.write"]
          .map((at) => ({ at, when: { type: "step_finish" } })),
        output_tokens: ["part.tokens.output", "part.tokens.reasoning"].map((at) => ({ at, when: { type: "step_finish" } })),
        cached_tokens: { at: "part.tokens.cache.read", when: { type: "step_finish" } }
      },
      failure: [{ at: "type", is: "error" }]
    }
  },
  aider: {
    command: ["aider", "--yes-always", "--no-pretty", "--no-stream", "--no-check-update", "{args}", "--message-file", "{prompt_file}"],
    model
  },
  goose: {
    command: ["goose", "run", "--quiet", "--output-format", "json", "{session}", "{args}", "-i", "-"],
    model,
    session: { fresh: ["--no-session"], begin: ["--name", "{session}"], resume: ["--resume", "--name", "{session}"] },
    output: {
      format: "json",
      result: { at: "messages.*.content.*.text" },
      usage: { input_tokens: "metadata.input_tokens", output_tokens: "metadata.output_tokens" },
      failure: [{ at: "metadata.status", is: "error" }]
    }
  },
  "cursor-agent": {
    // Of a directory that it does not trust, as a new worktree, it says so and exits with 0. That it is trusted permits no tool.
    command: ["cursor-agent", "-p", "--trust", "--output-format", "json", "{session}", "{args}", "{prompt}"],
    model,
    session: { resume: ["--resume", "{session}"] },
    output: {
      format: "json",
      result: "result",
      error: "error",
      session: "session_id",
      usage: {
        input_tokens: ["usage.inputTokens", "usage.cacheReadTokens", "usage.cacheWriteTokens"],
        output_tokens: "usage.outputTokens",
        cached_tokens: "usage.cacheReadTokens"
      },
      failure: [{ at: "is_error" }]
    }
  },
  amp: {
    command: ["amp", "{session}", "-x", "--stream-json", "{args}"],
    session: { resume: ["threads", "continue", "{session}"] },
    output: {
      ...claudeLines,
      usage: {
        input_tokens: ["message.usage.input_tokens", "message.usage.cache_creation_input_tokens", "message.usage.cache_read_input_tokens"]
          .map((at) => ({ at, when: { type: "assistant" } })),
        output_tokens: { at: "message.usage.output_tokens", when: { type: "assistant" } },
        cached_tokens: { at: "message.usage.cache_read_input_tokens", when: { type: "assistant" } }
      }
    }
  },
  shell: { command: ["sh"] }
} as const satisfies Readonly<Record<string, ProgramInput>>

/** The names in it. */
export const names: ReadonlyArray<string> = Object.keys(written)

const inTable = (name: string): ProgramInput | undefined => Option.getOrUndefined(Record.get<string, ProgramInput>(written, name))

const decoded = new Map<string, ProgramAdapter>()

/** The adapter of a program, if it is in the table. It is read when it is asked for: a run has few of them. */
export const find = (name: string): ProgramAdapter | undefined => {
  const known = decoded.get(name)
  const program = inTable(name)
  if (known !== undefined || program === undefined) return known
  const adapter = Schema.decodeSync(ProgramAdapter)(program)
  decoded.set(name, adapter)
  return adapter
}
