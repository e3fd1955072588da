import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as FileSystem from "@effect/platform/FileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import { parse } from "yaml"
import * as JsonSchema from "../../src/workflow/JsonSchema.ts"
import * as SchemaKeys from "../../src/workflow/SchemaKeys.ts"
import * as WorkflowBuilder from "../../src/workflow/WorkflowBuilder.ts"
import * as WorkflowExpression from "../../src/workflow/WorkflowExpression.ts"
import * as WorkflowFile from "../../src/workflow/WorkflowFile.ts"

const inputs = WorkflowBuilder.inputs({
  ticket: { description: "Issue to work on", required: true },
  languages: ["en", "de"],
  depth: { type: "number", default: 2, options: [1, 2, 3] },
  limit: 20
})
const secrets = WorkflowBuilder.secrets("GITHUB_TOKEN")

const architect = WorkflowBuilder.agent("architect", { model: "opus", workingDir: "./service", workspace: "worktree", base: "v1" })
const coder = WorkflowBuilder.agent("coder", {
  program: WorkflowExpression.text`claude-code`,
  runtime: "docker",
  dockerImage: "node:22",
  cpus: 4,
  memory: "8g",
  env: { GH_TOKEN: secrets.secret("GITHUB_TOKEN"), TICKET: inputs.input("ticket"), LOG_LEVEL: "debug" },
  args: ["--permission-mode", WorkflowExpression.text`${inputs.input("ticket")}`],
  system: "Change no public interface.",
  session: "keep",
  limits: { memory: "4g", cpu: 2, processes: 500, openFiles: 1024 },
  stalledAfter: "15 minutes"
})
const second = WorkflowBuilder.agent("second")
const core = WorkflowBuilder.team("core", [architect, coder], { maxParallel: 3 })
const checks = WorkflowBuilder.team("checks", [second])

const plan = core.task("plan", {
  subject: WorkflowExpression.text`Plan ${inputs.input("ticket")}`,
  description: WorkflowExpression.text`Plan it in ${WorkflowExpression.join(inputs.input("languages"), " and ")}.`,
  assignTo: architect,
  outputs: { files: "list", summary: "string", count: "number", isSmall: "boolean" }
})
const implement = core.task("implement", {
  description: WorkflowExpression.text`Change ${WorkflowExpression.toJson(plan.output("files"))}, ${plan.output("count")} of them.`,
  assignTo: [architect, coder],
  blockedBy: [plan],
  type: "implementation",
  timeout: "90 minutes",
  verify: { run: WorkflowExpression.text`npm test -- ${inputs.input("depth")}`, timeout: "5 minutes" },
  retry: { times: 2, wait: "30 seconds", backoff: 2, maxWait: "10 minutes", on: ["failed"] },
  condition: WorkflowExpression.expression`${plan.output("count")} > ${0} && ${plan.output("summary")} != ${"it's"}`
})
const check = checks.task("check", {
  subject: "Check it",
  description: plan.output("summary"),
  assignTo: second,
  blockedBy: [implement],
  retry: 1,
  outputsPrompt: false,
  stalledAfter: "10 minutes",
  continueOnError: true
})

const each = WorkflowBuilder.matrix({
  file: plan.output("files"),
  language: ["en", inputs.input("ticket")],
  who: ["coder", "architect"],
  place: [{ os: "linux", ports: [1, 2] }, { os: "mac", ports: [] }]
}, { include: [{ language: "en", formal: true }], exclude: [{ language: "en", who: "coder" }] })
const translate = core.task("translate", {
  subject: WorkflowExpression.text`Translate ${each.value("file")}`,
  description: WorkflowExpression.text`${each.value("language")} ${each.value("formal")} ${WorkflowExpression.toJson(each.value("place"))}`,
  assignTo: each.value("who"),
  blockedBy: [plan],
  matrix: each,
  maxParallel: 2,
  outputs: { words: "number", text: "string" }
})
const ask = core.gate("ask", {
  subject: "Release?",
  approve: WorkflowExpression.text`Release ${WorkflowExpression.join(translate.output("words"), " and ")} words?`,
  blockedBy: [translate, check],
  timeout: "1 day",
  condition: WorkflowExpression.expression`contains(${translate.status}, ${"failed"})`,
  continueOnError: true
})
const publish = core.task("publish", {
  description: WorkflowExpression.text`It is ${ask.status}, with the words: ${ask.comment}`,
  assignTo: coder,
  blockedBy: [ask],
  workspace: "worktree",
  base: WorkflowExpression.text`release-${inputs.input("ticket")}`
})

const workflow = WorkflowBuilder.make("release", {
  description: "Works on one issue.",
  metadata: { owner: "platform" },
  tasks: [publish],
  inputs,
  secrets,
  teardown: "always",
  defaults: { timeout: "10 minutes", retry: { times: inputs.input("depth"), wait: "1 minute" }, stalledAfter: 90 * 1000, verify: "npm run lint" },
  maxParallel: 5,
  parkAfter: "5 minutes",
  budget: { usd: inputs.input("limit"), tokens: 2_000_000, tasks: 50, agentTime: "10 hours" },
  concurrency: { group: WorkflowExpression.text`release-${inputs.input("ticket")}`, limit: 2, whenFull: "cancel_running" },
  schedules: [
    { cron: "30 6 * * 1-5", timezone: "Europe/Berlin", inputs: { ticket: "ABC-1" }, overlap: "queue", catchUp: "latest" }
  ],
  notify: [
    { urlEnv: "SLACK_WEBHOOK_URL", format: "slack", on: ["failed", "waiting"] },
    { url: "https://example.com/hook", secretEnv: "HOOK_SECRET", tokenEnv: "HOOK_TOKEN", allowHttp: false }
  ],
  timeout: "1 day"
})

const file = `apiVersion: telemachy/v1
metadata:
  name: release
  description: Works on one issue.
  owner: platform
inputs:
  ticket:
    description: Issue to work on
    required: true
  languages: [en, de]
  depth:
    type: number
    default: 2
    options: [1, 2, 3]
  limit: 20
secrets: [GITHUB_TOKEN]
agents:
  - name: architect
    model: opus
    working_dir: ./service
    workspace: worktree
    base: v1
  - name: coder
    program: claude-code
    runtime: docker
    docker_image: node:22
    cpus: 4
    memory: 8g
    env:
      GH_TOKEN: \${{ secrets.GITHUB_TOKEN }}
      TICKET: \${{ inputs.ticket }}
      LOG_LEVEL: debug
    args: [--permission-mode, "\${{ inputs.ticket }}"]
    system: Change no public interface.
    session: keep
    limits:
      memory: 4g
      cpu: 2
      processes: 500
      open_files: 1024
    stalled_after: 15m
  - name: second
teams:
  - name: core
    agents: [architect, coder]
    max_parallel: 3
    tasks:
      - id: plan
        subject: Plan \${{ inputs.ticket }}
        description: Plan it in \${{ join(inputs.languages, ' and ') }}.
        assign_to: architect
        outputs:
          files: list
          summary: string
          count: number
          isSmall: boolean
      - id: translate
        subject: Translate \${{ matrix.file }}
        description: \${{ matrix.language }} \${{ matrix.formal }} \${{ toJSON(matrix.place) }}
        assign_to: \${{ matrix.who }}
        blocked_by: [plan]
        matrix:
          file: \${{ tasks.plan.outputs.files }}
          language: [en, "\${{ inputs.ticket }}"]
          who: [coder, architect]
          place:
            - os: linux
              ports: [1, 2]
            - os: mac
              ports: []
          include:
            - language: en
              formal: true
          exclude:
            - language: en
              who: coder
        max_parallel: 2
        outputs:
          words: number
          text: string
      - id: implement
        subject: implement
        description: Change \${{ toJSON(tasks.plan.outputs.files) }}, \${{ tasks.plan.outputs.count }} of them.
        assign_to: [architect, coder]
        blocked_by: [plan]
        type: implementation
        timeout: 1h 30m
        retry:
          times: 2
          wait: 30s
          backoff: 2
          max_wait: 10m
          on: [failed]
        verify:
          run: npm test -- \${{ inputs.depth }}
          timeout: 5m
        if: \${{ tasks.plan.outputs.count > 0 && tasks.plan.outputs.summary != 'it''s' }}
      - id: ask
        subject: Release?
        approve: Release \${{ join(tasks.translate.*.outputs.words, ' and ') }} words?
        blocked_by: [translate, check]
        timeout: 1d
        if: \${{ contains(tasks.translate.*.status, 'failed') }}
        continue_on_error: true
      - id: publish
        subject: publish
        description: "It is \${{ tasks.ask.status }}, with the words: \${{ tasks.ask.comment }}"
        assign_to: coder
        blocked_by: [ask]
        workspace: worktree
        base: release-\${{ inputs.ticket }}
  - name: checks
    agents: [second]
    tasks:
      - id: check
        subject: Check it
        description: \${{ tasks.plan.outputs.summary }}
        assign_to: second
        blocked_by: [implement]
        retry: 1
        stalled_after: 10m
        outputs_prompt: false
        continue_on_error: true
teardown: always
defaults:
  timeout: 10m
  retry:
    times: \${{ inputs.depth }}
    wait: 1m
  stalled_after: 1m 30s
  verify: npm run lint
max_parallel: 5
park_after: 5m
budget:
  usd: \${{ inputs.limit }}
  tokens: 2000000
  tasks: 50
  agent_time: 10h
concurrency:
  group: release-\${{ inputs.ticket }}
  limit: 2
  when_full: cancel_running
schedules:
  - cron: 30 6 * * 1-5
    timezone: Europe/Berlin
    inputs:
      ticket: ABC-1
    overlap: queue
    catch_up: latest
notify:
  - url_env: SLACK_WEBHOOK_URL
    format: slack
    on: [failed, waiting]
  - url: https://example.com/hook
    secret_env: HOOK_SECRET
    token_env: HOOK_TOKEN
    allow_http: false
timeout: 1d
`

describe("WorkflowBuilder", () => {
  it.effect("writes a workflow as the file that a person would write", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* WorkflowBuilder.toYaml(workflow), file)
    }))

  it("can say everything that a file can", () => {
    /** Of each map of a schema, the keys; a list or a name that the file chooses is passed through. */
    const isSaid = (value: unknown, path: ReadonlyArray<string>): boolean => {
      const [key, ...rest] = path
      if (key === undefined) return true
      if (Array.isArray(value)) return value.some((item) => isSaid(item, path))
      if (!Predicate.isRecord(value)) return false
      return key === "NAME" ? Object.values(value).some((each) => isSaid(each, rest)) : key in value && isSaid(value[key], rest)
    }
    // The one is another name of `timeout`; the keys of `defaults.retry` and `defaults.verify` are those of a task.
    // What a workflow uses, and answers where it is used, is shown below, and what merges branches.
    const others = /^timeout_seconds$|^defaults\.(retry|verify)\.|^outputs$|^teams\[\]\.tasks\[\]\.(uses|with|merge|on_conflict)$/
    const said: unknown = parse(file)
    const paths = SchemaKeys.keys(JsonSchema.jsonSchema).map(({ path }) => path).filter((path) => !others.test(path))
    assert.deepStrictEqual(paths.filter((path) => !isSaid(said, path.replaceAll("[]", "").split("."))), [])
  })

  it.effect("builds what is loaded from that file", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* WorkflowBuilder.build(workflow), yield* WorkflowFile.parse(file, "flow.yaml"))
    }))

  it.effect("merges the branches of tasks, for which it waits", () =>
    Effect.gen(function*() {
      const one = WorkflowBuilder.agent("one", { workspace: "worktree" })
      const two = WorkflowBuilder.agent("two", { workspace: "worktree" })
      const crew = WorkflowBuilder.team("crew", [one, two])
      const code = crew.task("code", { description: "Code.", assignTo: one })
      const docs = crew.task("docs", { description: "Write.", assignTo: two })
      const both = crew.merge("both", { merge: [code, docs], onConflict: one, description: "Keep both.", timeout: "30 minutes" })
      const all = crew.merge("all", { subject: "Merge all", merge: [both], blockedBy: [code], stalledAfter: "5 minutes", onConflict: two, continueOnError: true })
      const gate = crew.gate("take", { approve: WorkflowExpression.text`Take ${all.branch} at ${all.commit}?`, blockedBy: [all] })
      const workflow = WorkflowBuilder.make("merging", { tasks: [gate] })
      const text = yield* WorkflowBuilder.toYaml(workflow)
      assert.include(text, `      - id: both
        subject: both
        merge: [code, docs]
        on_conflict: one
        description: Keep both.
        blocked_by: [code, docs]
        timeout: 30m
      - id: all
        subject: Merge all
        merge: [both]
        on_conflict: two
        blocked_by: [both, code]
        stalled_after: 5m
        continue_on_error: true
      - id: take
        subject: take
        approve: Take \${{ tasks.all.outputs.branch }} at \${{ tasks.all.outputs.commit }}?
        blocked_by: [all]
`)
      assert.deepStrictEqual(yield* WorkflowBuilder.build(workflow), yield* WorkflowFile.parse(text, "flow.yaml"))
      // @ts-expect-error an agent that is no member of the team
      crew.merge("other", { merge: [code], onConflict: WorkflowBuilder.agent("three") })
    }))

  it.effect("leaves out what is not said, so that the defaults of a file hold", () =>
    Effect.gen(function*() {
      const least = WorkflowBuilder.make("least", { tasks: [checks.task("only", { description: "", assignTo: second })] })
      assert.strictEqual(
        yield* WorkflowBuilder.toYaml(least),
        `apiVersion: telemachy/v1
metadata:
  name: least
agents:
  - name: second
teams:
  - name: checks
    agents: [second]
    tasks:
      - id: only
        subject: only
        description: ""
        assign_to: second
`
      )
      const built = yield* WorkflowBuilder.build(least)
      assert.strictEqual(built.teardown, "on_completion")
      assert.strictEqual(built.agents[0]?.program, "claude-code")
    }))

  it.effect("fails with all that a file would be refused for", () =>
    Effect.gen(function*() {
      const twin = WorkflowBuilder.agent("second", { cpus: 0 })
      const task = WorkflowBuilder.team("twins", [twin]).task("a b", { description: plan.output("summary"), assignTo: twin })
      const wrong = WorkflowBuilder.make("wrong", { tasks: [check, task], secrets })
      const error = yield* Effect.flip(WorkflowBuilder.build(wrong))
      for (const line of [
        "wrong agents[3].name: found \"second\" a second time, expected a name of its own (agents[2] has this one)",
        "wrong agents[3].cpus (agent \"second\"): found the number 0, expected a whole number greater than 0",
        "wrong teams[2].tasks[0].id (team \"twins\", task \"a b\"): found \"a b\", expected text of letters, digits, _ and -, at most 64",
        "wrong agents[1].env.TICKET (agent \"coder\"): found the unknown name ticket, expected a name that inputs has, and there is none",
        "wrong teams[2].tasks[0].description (team \"twins\", task \"a b\"): found tasks.plan, for which this task does not wait, expected a task before this one: add blocked_by: [plan]"
      ]) assert.include(error.message.split("\n"), line)
      assert.deepStrictEqual(yield* Effect.flip(WorkflowBuilder.toYaml(wrong)), error)
    }))

  it.effect("waits for the task that is meant, where the subject of another is its id", () =>
    Effect.gen(function*() {
      const meant = core.task("one", { subject: "first", description: "", assignTo: coder })
      const other = core.task("two", { subject: "one", description: "", assignTo: coder })
      const waiting = core.task("three", { description: "", assignTo: coder, blockedBy: [meant] })
      const built = yield* WorkflowBuilder.build(WorkflowBuilder.make("names", { tasks: [other, waiting], secrets, inputs }))
      assert.deepStrictEqual(built.teams[0]?.tasks.map(({ blockedBy }) => blockedBy), [[], [], ["first"]])
      const far = checks.task("far", { description: "", assignTo: second, blockedBy: [meant] })
      const namesake = checks.task("near", { subject: "one", description: "", assignTo: second })
      const { message } = yield* Effect.flip(WorkflowBuilder.build(WorkflowBuilder.make("names", { tasks: [far, namesake], secrets, inputs })))
      assert.strictEqual(
        message,
        "names teams[1].tasks[0].blocked_by[0] (team \"checks\", task \"far\"): found the id one of a task of another team, expected no task of this team with that subject"
      )
    }))

  it.effect("takes the tasks of a long chain, each after the one that it waits for", () =>
    Effect.gen(function*() {
      let last = core.task("t0", { description: "", assignTo: architect })
      for (let number = 1; number < 3000; number += 1) {
        last = core.task(`t${number}`, { description: "", assignTo: architect, blockedBy: [last] })
      }
      const { teams } = yield* WorkflowBuilder.build(WorkflowBuilder.make("chain", { tasks: [last], secrets, inputs }))
      assert.deepStrictEqual(teams[0]?.tasks.map(({ subject }) => subject).slice(-2), ["t2998", "t2999"])
      assert.lengthOf(teams[0]?.tasks ?? [], 3000)
    }))

  describe("of workflows that use others", () => {
    const given = WorkflowBuilder.inputs({ what: { required: true }, depth: 2 })
    const look = checks.task("look", { description: given.input("what"), assignTo: second, outputs: { verdict: "string" } })
    const review = WorkflowBuilder.make("review", { tasks: [look], inputs: given, outputs: { verdict: look.output("verdict") } })
    const twice = WorkflowBuilder.make("review", {
      tasks: [checks.use("again", { workflow: review, with: { what: "all of it" } })]
    })
    const first = checks.use("first", { subject: "Review", workflow: review, with: { what: plan.output("summary"), depth: 3 }, blockedBy: [plan] })
    const other = checks.use("other", { workflow: twice, condition: "always()" })
    const last = core.task("last", { description: first.output("verdict"), assignTo: coder, blockedBy: [first, other] })
    const whole = WorkflowBuilder.make("whole", { tasks: [last], inputs, secrets })

    it.effect("builds what is loaded from their files, of which each has one", () =>
      Effect.gen(function*() {
        const files = yield* FileSystem.FileSystem
        const directory = yield* files.makeTempDirectoryScoped()
        yield* files.writeFileString(`${directory}/whole.yaml`, yield* WorkflowBuilder.toYaml(whole))
        const used = yield* WorkflowBuilder.usedFiles(whole)
        assert.deepStrictEqual([...used.keys()], ["review.yaml", "review-2.yaml"])
        for (const [name, text] of used) yield* files.writeFileString(`${directory}/${name}`, text)
        assert.deepStrictEqual(yield* WorkflowFile.load(`${directory}/whole.yaml`), yield* WorkflowBuilder.build(whole))
        assert.include(used.get("review.yaml"), "outputs:\n  verdict: ${{ tasks.look.outputs.verdict }}\n")
      }).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer)))

    it.effect("says what is wrong with one that is used", () =>
      Effect.gen(function*() {
        const bad = WorkflowBuilder.make("bad", { tasks: [checks.task("a b", { description: "", assignTo: second })] })
        const error = yield* Effect.flip(WorkflowBuilder.build(WorkflowBuilder.make("main", { tasks: [core.use("it", { workflow: bad })], inputs, secrets })))
        assert.include(error.message, "files[\"bad.yaml\"].teams[0].tasks[0].id")
        assert.include(error.message, "found \"a b\", expected text of letters, digits, _ and -, at most 64")
      }))

    it("has the compiler refuse names that the other has not", () => {
      // @ts-expect-error no such output
      first.output("verdit")
      // @ts-expect-error no such input
      checks.use("x", { workflow: review, with: { waht: "" } })
      // @ts-expect-error of another type
      checks.use("x", { workflow: review, with: { what: 1 } })
    })
  })

  it("takes what is put into a text for text, unless it is an expression", () => {
    const hostile = "${{ secrets.KEY }} $${{{ '"
    assert.strictEqual(WorkflowExpression.text`${hostile} ${1} ${true}`, "${{ '${{' }} secrets.KEY }} $${{ '${{' }}{ ' 1 true")
    assert.strictEqual(WorkflowExpression.expression`${hostile} == ${null}`.source, "'${{ secrets.KEY }} $${{{ ''' == null")
    assert.strictEqual(`${inputs.input("ticket")}`, "${{ inputs.ticket }}")
  })

  it.effect("fails where a matrix is read by a task that has another, or has too much to make", () =>
    Effect.gen(function*() {
      const other = WorkflowBuilder.matrix({ file: ["a"] })
      const many = WorkflowBuilder.matrix({ number: [0, ...Array.from({ length: 1000 }, (_, position) => position)] })
      const { message } = yield* Effect.flip(WorkflowBuilder.build(WorkflowBuilder.make("w", {
        tasks: [
          core.task("x", { description: each.value("language"), assignTo: coder, matrix: other }),
          core.task("y", { description: each.value("language"), assignTo: coder }),
          core.task("z", { description: "", assignTo: coder, matrix: many, maxParallel: 0 }),
          core.gate("g", { approve: " ", blockedBy: [] })
        ],
        inputs,
        secrets,
        budget: {},
        parkAfter: 0
      })))
      for (const line of [
        "w teams[0].tasks[0].description (team \"core\", task \"x\"): found the unknown name language, expected a name that matrix has: file",
        "w teams[0].tasks[1].description (team \"core\", task \"y\"): found matrix, expected inputs, run or workflow: a matrix can be read in the texts of the task that has it",
        "w teams[0].tasks[2].matrix (team \"core\", task \"z\"): found 1001 instances, expected at most 1000",
        "w teams[0].tasks[2].max_parallel (team \"core\", task \"z\"): found the number 0, expected a whole number from 1 to 10000",
        "w teams[0].tasks[3].approve (team \"core\", task \"g\"): found \" \", expected text that is not empty",
        "w budget: found a map, expected a map with at least one of the keys usd, tokens, tasks, agent_time",
        "w park_after: found the number 0, expected a duration such as 10m, or never"
      ]) assert.include(message.split("\n"), line)
    }))

  it("tells what is probably not meant", () => {
    const shell = WorkflowBuilder.agent("shell", { program: "sh" })
    const task = WorkflowBuilder.team("t", [shell]).task("x", { description: WorkflowExpression.text`echo ${inputs.input("ticket")}`, assignTo: shell })
    const says = WorkflowBuilder.warnings(WorkflowBuilder.make("w", { tasks: [task], inputs })).map(({ path }) => path)
    assert.deepStrictEqual(says, ["teams[0].tasks[0].description"])
  })

  const name = FastCheck.stringMatching(/^[a-z][a-z0-9]{0,6}$/)
  const anyText = FastCheck.oneof(
    FastCheck.string({ unit: "binary", maxLength: 40 }),
    FastCheck.constantFrom("${{", "}}", "a: b\n  - c", "'", "#x", "\t", " x ", "\r\n", "null", "- y\n", "|", "x\n\n", "\u0085\u2028\ufeff")
  )
  const wait = FastCheck.integer({ min: 1, max: 1_000_000 })
  const outputs = FastCheck.dictionary(name, FastCheck.constantFrom("string" as const, "number" as const, "boolean" as const, "list" as const), { maxKeys: 3 })
  const value = FastCheck.oneof(
    anyText.map((text) => WorkflowExpression.text`${text}`),
    FastCheck.integer(),
    FastCheck.boolean(),
    FastCheck.constant(null),
    FastCheck.constant(inputs.input("languages")),
    FastCheck.array(FastCheck.integer(), { maxLength: 2 }),
    FastCheck.dictionary(name, FastCheck.boolean(), { maxKeys: 2 })
  )
  const list = FastCheck.tuple(value, FastCheck.array(value, { maxLength: 2 })).map(([first, rest]) => [first, ...rest] as const)
  const taskShape = FastCheck.record({
    text: anyText,
    note: anyText,
    outputs: FastCheck.option(outputs, { nil: undefined }),
    team: FastCheck.nat(1),
    after: FastCheck.array(FastCheck.nat(20), { maxLength: 3 }),
    timeout: FastCheck.option(wait, { nil: undefined }),
    limit: FastCheck.option(FastCheck.integer({ min: 1, max: 10_000 }), { nil: undefined }),
    isGate: FastCheck.boolean(),
    matrix: FastCheck.option(
      FastCheck.record({
        lists: FastCheck.dictionary(name.filter((each) => !["include", "exclude"].includes(each)), list, { minKeys: 1, maxKeys: 2 }),
        include: FastCheck.array(FastCheck.dictionary(name, value, { maxKeys: 2 }), { maxLength: 2 })
      }),
      { nil: undefined }
    ),
    retry: FastCheck.option(FastCheck.record({ times: FastCheck.integer({ min: 1, max: 100 }), wait }), { nil: undefined }),
    reads: FastCheck.boolean()
  })

  type Shape = typeof taskShape extends FastCheck.Arbitrary<infer Each> ? Each : never

  /** Makes a workflow of tasks, each of which waits for, and reads, some of those before it. */
  const made = (shapes: ReadonlyArray<Shape>) => {
    const teams = [core, WorkflowBuilder.team("other", [coder, second])] as const
    const tasks: Array<WorkflowBuilder.AnyTask> = []
    shapes.forEach((shape, number) => {
      const before = shape.after.flatMap((position) => tasks[position] ?? [])
      const [first] = before
      const read = shape.reads && first !== undefined && "status" in first ? first.status : undefined
      const status = WorkflowExpression.isExpression(read) ? String(WorkflowExpression.toJson(read)) : ""
      const team = teams[shape.team === 0 ? 0 : 1]
      const told = { subject: WorkflowExpression.text`${number} ${shape.text}`, blockedBy: [...new Set(before)], timeout: shape.timeout }
      const work = { ...told, description: WorkflowExpression.text`${shape.note}` + status, assignTo: coder, retry: shape.retry, outputs: shape.outputs }
      if (shape.isGate) tasks.push(team.gate(`t${number}`, { ...told, approve: WorkflowExpression.text`x${shape.note}` + status }))
      else if (shape.matrix === undefined) tasks.push(team.task(`t${number}`, work))
      else {
        const { include, lists } = shape.matrix
        tasks.push(team.task(`t${number}`, { ...work, matrix: WorkflowBuilder.matrix(lists, { include }), maxParallel: shape.limit }))
      }
    })
    const [head = check, ...rest] = tasks
    return WorkflowBuilder.make("any", { tasks: [head, ...rest], inputs, secrets })
  }

  it.effect("writes every workflow so that what is loaded is what was built", () =>
    Effect.promise(() =>
      FastCheck.assert(
        FastCheck.asyncProperty(FastCheck.array(taskShape, { minLength: 1, maxLength: 8 }), (shapes) =>
          Effect.gen(function*() {
            const workflow = made(shapes)
            const built = yield* WorkflowBuilder.build(workflow)
            const loaded = yield* WorkflowFile.parse(yield* WorkflowBuilder.toYaml(workflow), "flow.yaml")
            assert.deepStrictEqual(loaded, built)
          }).pipe(Effect.runPromise)),
        { numRuns: 150 }
      )
    ))
})

describe("WorkflowBuilder.outputsOf", () => {
  const result = (outputs: Readonly<Record<string, unknown>> | undefined, status = "completed", ref = "plan") =>
    WorkflowBuilder.outputsOf({ tasks: [{ ref: undefined, status: "completed", outputs: {} }, { ref, status, outputs }] }, plan)

  const values = { files: ["a"], summary: "s", count: 1, isSmall: true }

  it("finds what a task has answered, with the types that it declares", () => {
    const found = result(values)
    const typed: Option.Option<{ readonly files: ReadonlyArray<unknown>; readonly summary: string; readonly count: number; readonly isSmall: boolean }> = found
    assert.deepStrictEqual(typed, Option.some(values))
  })

  it("finds nothing of a task that did not complete, or answers something else", () => {
    assert.deepStrictEqual(result(values, "failed"), Option.none())
    assert.deepStrictEqual(result(values, "completed", "other"), Option.none())
    assert.deepStrictEqual(result(undefined), Option.none())
    assert.deepStrictEqual(result({ ...values, count: "1" }), Option.none())
    assert.deepStrictEqual(WorkflowBuilder.outputsOf({ tasks: [{ ref: "implement", status: "completed", outputs: undefined }] }, implement), Option.some({}))
  })
})

describe("WorkflowBuilder.outputsOf of a task with a matrix", () => {
  const instance = (file: string, outputs: Readonly<Record<string, unknown>> | undefined, status = "completed") =>
    ({ ref: "translate", instanceOf: "Translate", hasMatrix: false, status, outputs, matrix: { file } })

  it("finds what each instance has answered that has completed, with the values of the matrix", () => {
    const tasks = [instance("a", { words: 1, text: "α" }), instance("b", undefined, "failed"), instance("c", { words: 3, text: "γ" })]
    const found = WorkflowBuilder.outputsOf({ tasks }, translate)
    const typed: Option.Option<ReadonlyArray<{
      readonly matrix: { readonly file?: unknown; readonly language?: unknown; readonly who?: unknown; readonly place?: unknown; readonly formal?: unknown }
      readonly outputs: { readonly words: number; readonly text: string }
    }>> = found
    assert.deepStrictEqual(typed, Option.some([
      { matrix: { file: "a" }, outputs: { words: 1, text: "α" } },
      { matrix: { file: "c" }, outputs: { words: 3, text: "γ" } }
    ]))
  })

  it("finds no instance where there was none, and nothing where the task was not due, or answers something else", () => {
    const whole = { ref: "translate", instanceOf: undefined, hasMatrix: true, outputs: undefined }
    assert.deepStrictEqual(WorkflowBuilder.outputsOf({ tasks: [{ ...whole, status: "completed" }] }, translate), Option.some([]))
    assert.deepStrictEqual(WorkflowBuilder.outputsOf({ tasks: [instance("a", undefined, "failed")] }, translate), Option.some([]))
    for (const tasks of [[], [{ ...whole, status: "skipped" }], [{ ...whole, hasMatrix: false, status: "completed" }], [instance("a", { words: "1", text: "α" })]]) {
      assert.deepStrictEqual(WorkflowBuilder.outputsOf({ tasks }, translate), Option.none())
    }
    // What was one task in the run is no matrix, and the other way round.
    assert.deepStrictEqual(WorkflowBuilder.outputsOf({ tasks: [{ ...instance("a", {}), ref: "implement" }] }, implement), Option.none())
  })
})

/** Each of these is refused by the compiler: `npx tsc` fails when one of them is not. */
export const refused = (): ReadonlyArray<unknown> => [
  // @ts-expect-error no agent of the team
  core.task("x", { description: "", assignTo: second }),
  // @ts-expect-error one of them is no agent of the team
  core.task("x", { description: "", assignTo: [coder, second] }),
  // @ts-expect-error nobody
  core.task("x", { description: "", assignTo: [] }),
  // @ts-expect-error a name is no agent
  core.task("x", { description: "", assignTo: "coder" }),
  // @ts-expect-error a name is no task
  core.task("x", { description: "", assignTo: coder, blockedBy: ["plan"] }),
  // @ts-expect-error no such output
  plan.output("file"),
  // @ts-expect-error a task without outputs
  check.output("files"),
  // @ts-expect-error no such input
  inputs.input("tikcet"),
  // @ts-expect-error no such secret
  secrets.secret("GITHUB_TOKENS"),
  // @ts-expect-error a list has no form as text
  WorkflowExpression.text`${plan.output("files")}`,
  // @ts-expect-error a list is no text
  core.task("x", { description: inputs.input("languages"), assignTo: coder }),
  // @ts-expect-error a secret is for the environment of an agent
  WorkflowExpression.text`${secrets.secret("GITHUB_TOKEN")}`,
  // @ts-expect-error a secret is no description
  core.task("x", { description: secrets.secret("GITHUB_TOKEN"), assignTo: coder }),
  // @ts-expect-error a text is no list
  WorkflowExpression.join(plan.output("summary"), ", "),
  // @ts-expect-error no type of an output
  core.task("x", { description: "", assignTo: coder, outputs: { files: "array" } }),
  // @ts-expect-error no such key
  core.task("x", { description: "", assignTo: coder, blocked_by: [plan] }),
  // @ts-expect-error no value of the matrix
  each.value("flie"),
  // @ts-expect-error a name that is no member of the team
  checks.task("x", { description: "", assignTo: each.value("who"), matrix: each }),
  // @ts-expect-error a value that is no name of an agent
  core.task("x", { description: "", assignTo: each.value("language"), matrix: each }),
  // @ts-expect-error a map has no form as text
  WorkflowExpression.text`${each.value("place")}`,
  // @ts-expect-error the answers of instances are a list
  core.task("x", { description: translate.output("text"), assignTo: coder }),
  // @ts-expect-error the ends of instances are a list
  WorkflowExpression.text`${translate.status}`,
  // @ts-expect-error no such output of the instances
  translate.output("word"),
  // @ts-expect-error no value of the matrix
  Option.map(WorkflowBuilder.outputsOf({ tasks: [] }, translate), (instances) => instances.map(({ matrix }) => matrix.flie)),
  // @ts-expect-error a matrix without values
  WorkflowBuilder.matrix({ file: [] }),
  // @ts-expect-error a text is no list
  WorkflowBuilder.matrix({ file: plan.output("summary") }),
  // @ts-expect-error what is included is said beside the lists
  WorkflowBuilder.matrix({ include: [{ file: "a" }] }),
  // @ts-expect-error no such list
  WorkflowBuilder.matrix({ file: ["a"] }, { exclude: [{ flie: "a" }] }),
  // @ts-expect-error no such value in the list
  WorkflowBuilder.matrix({ file: ["a"] }, { exclude: [{ file: "b" }] }),
  // @ts-expect-error no matrix
  core.task("x", { description: "", assignTo: coder, maxParallel: 2 }),
  // @ts-expect-error nobody does a gate
  core.gate("x", { approve: "Go?", assignTo: coder }),
  // @ts-expect-error a gate without a question
  core.gate("x", { blockedBy: [plan] }),
  // @ts-expect-error a gate answers nothing but a comment
  ask.output("summary"),
  // @ts-expect-error a task has no comment
  plan.comment,
  // @ts-expect-error no such limit
  WorkflowBuilder.make("x", { tasks: [plan], budget: { eur: 1 } }),
  // @ts-expect-error a text is no amount
  WorkflowBuilder.make("x", { tasks: [plan], budget: { usd: inputs.input("ticket") } }),
  // @ts-expect-error no duration
  WorkflowBuilder.make("x", { tasks: [plan], parkAfter: "always" }),
  // @ts-expect-error no type of an input
  WorkflowBuilder.inputs({ ticket: { type: "text" } }),
  // @ts-expect-error a team without members
  WorkflowBuilder.team("x", []),
  // @ts-expect-error a workflow without tasks
  WorkflowBuilder.make("x", { tasks: [] }),
  // @ts-expect-error no such rule
  WorkflowBuilder.make("x", { tasks: [plan], teardown: "sometimes" }),
  // @ts-expect-error of another type
  ((text: WorkflowExpression.Expression<string>) => text)(plan.output("count"))
]
