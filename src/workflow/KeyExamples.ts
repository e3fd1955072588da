/**
 * Examples of the keys of a workflow file, as a file writes them. An annotation of a schema would hold what they are decoded
 * to, which for most keys is nothing that can be written. They are parts of one workflow, in which each of them is right.
 */

/** A value as a file has it. */
type Written = string | number | boolean | null | ReadonlyArray<Written> | { readonly [key: string]: Written }

const plan = {
  id: "plan",
  subject: "Plan the change",
  description: "Read the ticket, and say which files are to change.",
  assign_to: "architect",
  outputs: { files: "list", summary: "string" }
} as const

const implement = {
  subject: "Implement it",
  description: "Change ${{ join(tasks.plan.outputs.files, ', ') }} as the plan says: ${{ tasks.plan.outputs.summary }}",
  assign_to: "implementer",
  blocked_by: ["plan"]
} as const

/** By the ends of their paths: of those that a path ends with, the longest counts. */
const examples: Readonly<Record<string, ReadonlyArray<Written>>> = {
  apiVersion: ["telemachy/v1"],
  metadata: [{ name: "ticket", description: "Works on one issue.", owner: "platform team" }],
  "metadata.description": ["Works on ${{ inputs.ticket }}."],
  required: [true],
  agents: [[{ name: "architect" }, { name: "implementer", working_dir: "./service" }]],
  model: ["claude-sonnet-4-5"],
  working_dir: ["./service"],
  runtime: ["docker"],
  docker_image: ["node:22"],
  cpus: [4],
  system: ["You work on the payment service. Change no public interface."],
  session: ["keep"],
  limits: [{ memory: "4g", cpu: 2, processes: 500, open_files: 1024 }],
  "limits.memory": ["512m", "4g"],
  "limits.cpu": [2, 0.5],
  "limits.processes": [500],
  "limits.open_files": [1024],
  stalled_after: ["15m"],
  workspace: ["worktree", "shared", "empty"],
  base: ["main", "v1.4.0"],
  teams: [[{ name: "core", agents: ["architect", "implementer"], tasks: [plan, implement] }]],
  "teams[].agents": [["architect", "implementer"]],
  tasks: [[plan, implement]],
  description: ["Read the ticket, and say which files are to change."],
  assign_to: ["implementer", ["architect", "implementer"]],
  blocked_by: [["plan"]],
  "tasks[].type": ["implementation"],
  timeout: ["30m", "1h 30m", 90],
  retry: [2, { times: 2, wait: "30s", backoff: 2, max_wait: "10m", on: ["failed", "timeout"] }],
  wait: ["30s"],
  backoff: [2],
  max_wait: ["10m"],
  on: [["failed", "timeout"]],
  matrix: [
    { file: "${{ tasks.plan.outputs.files }}" },
    { language: ["en", "de"], depth: [1, 2], exclude: [{ language: "de", depth: 2 }] }
  ],
  max_parallel: [3],
  merge: [["implement", "document"]],
  on_conflict: ["implementer"],
  approve: ["Change ${{ join(tasks.plan.outputs.files, ', ') }}? ${{ tasks.plan.outputs.summary }}"],
  budget: [{ usd: 20, tokens: 2_000_000, tasks: 50, agent_time: "10h" }],
  "budget.usd": [20],
  "budget.tokens": [2_000_000],
  "budget.tasks": [50],
  "budget.agent_time": ["10h"],
  concurrency: ["deploy", { group: "deploy-${{ inputs.ticket }}", limit: 2, when_full: "cancel_running" }],
  group: ["deploy-${{ inputs.ticket }}"],
  limit: [2],
  when_full: ["queue", "cancel_running", "refuse"],
  schedules: [[
    { cron: "30 6 * * 1-5", timezone: "Europe/Berlin", inputs: { ticket: "ABC-1" }, overlap: "queue", catch_up: "latest" }
  ]],
  cron: ["30 6 * * 1-5"],
  timezone: ["Europe/Berlin"],
  "schedules[].inputs": [{ ticket: "ABC-1" }],
  overlap: ["skip", "queue", "cancel_running"],
  catch_up: ["none", "latest"],
  notify: [[
    { url_env: "SLACK_WEBHOOK_URL", format: "slack", on: ["failed", "lost", "left", "waiting"] },
    { url: "https://example.com/hooks/runs", secret_env: "WEBHOOK_SECRET", on: ["failed", "completed"] }
  ]],
  url: ["https://example.com/hooks/runs"],
  url_env: ["SLACK_WEBHOOK_URL"],
  format: ["json", "slack", "ntfy"],
  "notify[].on": [["failed", "lost", "left", "waiting"]],
  secret_env: ["WEBHOOK_SECRET"],
  token_env: ["NTFY_TOKEN"],
  allow_http: [true],
  park_after: ["10m", "never"],
  if: ["failure()", "${{ tasks.plan.outputs.summary != '' }}"],
  verify: ["npm test", { run: "npm test -- --silent", timeout: "5m" }],
  "verify.run": ["npm test -- --silent"],
  "tasks[].outputs": [{ files: "list", summary: "string" }],
  outputs: [{ summary: "${{ tasks.plan.outputs.summary }}" }],
  uses: ["./review.yaml"],
  with: [{ ticket: "${{ inputs.ticket }}", files: "${{ tasks.plan.outputs.files }}" }],
  outputs_prompt: [false],
  continue_on_error: [true],
  teardown: ["always"],
  defaults: [{ timeout: "30m", retry: 1, stalled_after: "10m" }],
  timeout_seconds: [3600]
}

/** Finds the examples of a key by its path. */
export const of = (path: string): ReadonlyArray<Written> | undefined => {
  const ends = Object.keys(examples).filter((end) => path === end || path.endsWith(`.${end}`))
  const longest = ends.reduce<string | undefined>((best, end) => (end.length > (best ?? "").length ? end : best), undefined)
  return longest === undefined ? undefined : examples[longest]
}
