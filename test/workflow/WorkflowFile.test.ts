import { NodeFileSystem } from "@effect/platform-node"
import { SystemError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as WorkflowFile from "../../src/workflow/WorkflowFile.ts"

const fixtures = new URL("../fixtures/workflows/", import.meta.url).pathname
const examples = new URL("../../workflows/", import.meta.url).pathname

/** A workflow file that is right, in lines; a test replaces or adds the lines that it is about. */
const head = ["metadata:", "  name: flow"]
const agents = ["agents:", "  - name: builder", "  - name: tester"]
const team = ["teams:", "  - name: core", "    agents: [builder, tester]", "    tasks:"]
const build = ["      - subject: build", "        description: Build it.", "        assign_to: builder"]
const test = [
  "      - subject: test",
  "        description: Test it.",
  "        assign_to: tester",
  "        blocked_by: [build]"
]

const file = (...parts: ReadonlyArray<ReadonlyArray<string>>): string => `${parts.flat().join("\n")}\n`

const whole = file(head, agents, team, build, test)

/** What `telemachy` would print for the text of a file named `flow.yaml`. */
const refusal = (text: string) =>
  WorkflowFile.parse(text, "flow.yaml").pipe(Effect.flip, Effect.map((error) => error.message.split("\n")))

const cannotLoad = (path: string) =>
  WorkflowFile.load(path).pipe(Effect.flip, Effect.map((error) => error.message.replaceAll(fixtures, "")))

const refuses = (name: string, text: string, ...lines: ReadonlyArray<string>) =>
  it.effect(name, () => Effect.map(refusal(text), (printed) => assert.deepStrictEqual(printed, lines)))

/** A test of real files. Not `it.layer`, which changes `it` itself, for the suites after it as well. */
const withFiles = <A, E>(name: string, test: () => Effect.Effect<A, E, FileSystem.FileSystem | Scope.Scope>) =>
  it.scoped(name, () => Effect.provide(test(), NodeFileSystem.layer))

describe("WorkflowFile", () => {
  it.effect("loads a file, with defaults for what it leaves out", () =>
    Effect.gen(function*() {
      const agent = {
        program: "claude-code",
        model: Option.none(),
        workingDir: "/tmp",
        runtime: "local" as const,
        dockerImage: Option.none(),
        cpus: 2,
        memory: "4g",
        workspace: Option.none(),
        base: Option.none(),
        system: Option.none(),
        stalledAfter: Option.none()
      }
      const rules = {
        id: Option.none(),
        condition: Option.none(),
        matrix: Option.none(),
        verify: Option.none(), maxParallel: Option.none(),
        approve: Option.none(),
        merge: Option.none(),
        onConflict: Option.none(),
        outputs: Option.none(),
        outputsPrompt: Option.none(),
  uses: Option.none(),
  with: Option.none(),
        type: Option.none(),
        timeout: Option.none(),
        retry: Option.none(),
        stalledAfter: Option.none(),
        workspace: Option.none(),
        base: Option.none(),
        continueOnError: Option.none()
      }
      assert.deepEqual(yield* WorkflowFile.parse(whole, "flow.yaml"), {
        apiVersion: "telemachy/v1",
        metadata: { name: "flow" },
        agents: [{ ...agent, name: "builder" }, { ...agent, name: "tester" }],
        teams: [{
          name: "core",
          agents: ["builder", "tester"],
          maxParallel: Option.none(),
          tasks: [
            { subject: "build", description: "Build it.", assignTo: ["builder"], blockedBy: [], ...rules },
            { subject: "test", description: "Test it.", assignTo: ["tester"], blockedBy: ["build"], ...rules }
          ]
        }],
        teardown: "on_completion",
        defaults: Option.none(),
        maxParallel: Option.none(),
        parkAfter: Option.none(),
        timeout: Option.none()
      })
    }))

  withFiles("loads a file that was written for the Python Telemachy", () =>
    Effect.gen(function*() {
      const spec = yield* WorkflowFile.load(`${fixtures}python.yaml`)
      assert.deepStrictEqual(spec.metadata, {
        name: "fleet-audit",
        description: "Audit two services in containers, then sum up.\n",
        owner: "platform"
      })
      assert.deepStrictEqual(spec.agents.map(({ dockerImage, model }) => [model, dockerImage]), [
        [Option.some("claude-sonnet-4-5"), Option.some("ghcr.io/example/agent:latest")],
        [Option.none(), Option.none()]
      ])
      assert.deepStrictEqual(spec.timeout, Option.none())
    }))

  withFiles("loads every example", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const names = yield* fs.readDirectory(examples)
      assert.includeMembers(names, ["hello.yaml", "inputs.yaml", "review.yaml", "shell.yaml"])
      for (const name of names) {
        const text = yield* fs.readFileString(examples + name)
        assert.isTrue(text.startsWith("# yaml-language-server: $schema=../schemas/workflow-v1.json\n"), name)
        const spec = yield* WorkflowFile.load(examples + name)
        assert.strictEqual(`${spec.metadata.name}.yaml`, name)
      }
    }))

  withFiles("reports all problems of a file at once, in the order of the file", () =>
    Effect.gen(function*() {
      const path = `${fixtures}misspelt.yaml`
      const error = yield* Effect.flip(WorkflowFile.load(path))
      assert.strictEqual(error._tag, "WorkflowInvalid")
      assert.deepStrictEqual(error.message.replaceAll(fixtures, "").split("\n"), [
        "misspelt.yaml:9:11 agents[1].cpus (agent \"reviewer\"): found \"none\", expected a whole number greater than 0",
        "misspelt.yaml:12:27 teams[0].agents[1] (team \"core\"): found \"reviwer\", expected the name of an agent of the workflow"
        + " (did you mean \"reviewer\"?)",
        "misspelt.yaml:16:20 teams[0].tasks[0].assign_to (team \"core\", task \"build\"): found \"implementor\","
        + " expected the name of a member of team \"core\" (did you mean \"implementer\"?)",
        "misspelt.yaml:19:9 teams[0].tasks[1].asign_to (team \"core\", task \"review\"): found an unknown key, expected one of the keys id, subject,"
        + " description, assign_to, approve, uses, with, merge, on_conflict, blocked_by, type, timeout, retry, stalled_after, verify, workspace, base, if, matrix, max_parallel, outputs, outputs_prompt, continue_on_error (did you mean \"assign_to\"?)",
        "misspelt.yaml:20:22 teams[0].tasks[1].blocked_by[0] (team \"core\", task \"review\"): found \"biuld\","
        + " expected the subject of a task of team \"core\", or the id of any task (did you mean \"build\"?)",
        "misspelt.yaml:21:11 teardown: found \"on_complete\", expected \"on_completion\", \"on_failure\","
        + " \"always\" or \"never\" (did you mean \"on_completion\"?)"
      ])
    }))

  withFiles("knows where each value of a file is written", () =>
    Effect.gen(function*() {
      const { locate } = yield* WorkflowFile.loadWithPositions(`${fixtures}python.yaml`)
      assert.deepStrictEqual(locate(["agents", 0, "model"]), { line: 14, column: 12, endColumn: 29 })
      assert.deepStrictEqual(locate(["teams", 0, "agents", 1]), { line: 29, column: 9, endColumn: 19 })
      assert.deepStrictEqual(locate(["teams", 0, "tasks", 0, "blocked_by"]), { line: 31, column: 9 })
    }))

  describe("cannot read", () => {
    withFiles("a file that is not there", () =>
      Effect.map(cannotLoad(`${fixtures}absent.yaml`), (message) =>
        assert.strictEqual(message, "absent.yaml: no such file")))

    withFiles("a directory", () =>
      Effect.map(cannotLoad("/tmp"), (message) =>
        assert.strictEqual(message, "/tmp: is a directory, expected a workflow file")))

    withFiles("a file that is not UTF-8", () =>
      Effect.map(cannotLoad(`${fixtures}latin1.yaml`), (message) =>
        assert.strictEqual(
          message,
          "latin1.yaml: is not UTF-8 text (first in line 2), expected a file saved as UTF-8"
        )))

    withFiles("a file of more than 2 MiB, before it reads a byte of it", () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const path = yield* fs.makeTempFileScoped()
        yield* fs.truncate(path, WorkflowFile.maxFileBytes + 1)
        assert.strictEqual(
          yield* cannotLoad(path),
          `${path}: has 2097153 bytes, expected at most 2097152`
        )
      }))

    // Whoever runs the tests as root may read everything, so the refusal comes from a file system that always refuses.
    it.effect("a file without permission to read it", () =>
      Effect.map(cannotLoad("flow.yaml"), (message) =>
        assert.strictEqual(message, "flow.yaml: no permission to read it")).pipe(
          Effect.provide(FileSystem.layerNoop({
            stat: () =>
              Effect.fail(new SystemError({ reason: "PermissionDenied", module: "FileSystem", method: "stat" }))
          }))
        ))

    it.effect("a text of more than 2 MiB", () =>
      Effect.map(refusal(`# ${"é".repeat(WorkflowFile.maxFileBytes / 2)}`), (message) =>
        assert.deepStrictEqual(message, ["flow.yaml: has 2097154 bytes, expected at most 2097152"])))
  })

  describe("refuses, as a file", () => {
    const empty = "flow.yaml:1:1 found an empty file, expected a workflow"
    const keys = "a map with the keys apiVersion, metadata, inputs, secrets, agents, teams, teardown, defaults, outputs, max_parallel, park_after, budget, concurrency, schedules, notify, timeout, timeout_seconds"
    refuses("an empty one", "", empty)
    refuses("one of comments", "# nothing yet\n", empty)
    refuses("one that is a list", "- 1\n", `flow.yaml:1:1 found a list, expected ${keys}`)
    refuses("one that is a text", "hello\n", `flow.yaml:1:1 found "hello", expected ${keys}`)
    refuses(
      "several documents",
      `${whole}---\n${whole}`,
      "flow.yaml:17:1 found a second document, expected one workflow in a file"
    )
    refuses(
      "what is not YAML, with every error",
      "metadata: name: flow\nagents: [\"a\nteams: []\n",
      "flow.yaml:1:11 found text that is not YAML (Nested mappings are not allowed in compact mappings),"
        + " expected valid YAML",
      "flow.yaml:2:10 found an open \", expected a \" that closes it"
    )
    refuses(
      "a tag that it does not know",
      file(head, ["agents: !!python/tuple []"]),
      "flow.yaml:3:9 found text that is not YAML (Unresolved tag: tag:yaml.org,2002:python/tuple), expected valid YAML"
    )
    refuses(
      "a key that is given twice",
      file(head, ["  name: flood"], agents, team, build),
      "flow.yaml:3:3 metadata.name: found the key \"name\" a second time,"
        + " expected each key once (the first is in line 2)"
    )
    refuses(
      "a list as a key",
      "? [a]\n: 1\n",
      "flow.yaml:1:3 found a list as a key, expected text as a key"
    )
    refuses(
      "values that are nested more than 64 levels deep",
      `metadata: ${"[".repeat(80)}${"]".repeat(80)}`,
      "flow.yaml:1:75 found values nested more than 64 levels deep, expected a workflow"
    )
  })

  describe("tells an open quote or bracket once, where it is opened:", () => {
    refuses(
      "a { before the next key",
      "metadata: {name: x\nagents:\n  - name: a\nteams: []\n",
      "flow.yaml:1:11 found an open {, expected a } that closes it before line 2"
    )
    refuses(
      "a [ in a list",
      "teams:\n  - agents: [a\n    tasks:\n      - subject: x\n",
      "flow.yaml:2:13 found an open [, expected a ] that closes it before line 3"
    )
    refuses(
      "a [ in JSON, closed as something else",
      "{\"metadata\": {\"name\": \"x\"},\n \"agents\": [{\"name\": \"a\"},\n \"teams\": []\n}\n",
      "flow.yaml:2:12 found an open [, expected a ] that closes it before line 4"
    )
    refuses(
      "a quote within a bracket",
      "metadata: {name: 'x}\nagents: []\nteams: []\n",
      "flow.yaml:1:18 found an open ', expected a ' that closes it"
    )
    refuses(
      "a quote to the end of the file",
      "metadata:\n  name: \"x\nagents:\n  - name: a\n",
      "flow.yaml:2:9 found an open \", expected a \" that closes it"
    )
    refuses(
      "an apostrophe in a text in quotes",
      "metadata:\n  name: 'don't stop'\n",
      "flow.yaml:2:14 found text behind the ' that closes a text, expected '' for a ' within quotes"
    )
    refuses("one that closes nothing", "metadata: {name: x}}\nagents: []\n", "flow.yaml:1:20 found a } that closes nothing, expected valid YAML")
  })

  describe("aliases", () => {
    it.effect("and merge keys are replaced by what they stand for", () =>
      Effect.gen(function*() {
        const text = file(head, [
          "agents:",
          "  - &base",
          "    name: builder",
          "    program: none",
          "    cpus: 4",
          "  - { <<: *base, name: tester, cpus: 1 }",
          "  - { <<: [{ memory: 1g, cpus: 3 }, *base], name: writer }",
          "teams:",
          "  - name: core",
          "    agents: &all [builder, tester]",
          "    tasks: [{ subject: s, description: d, assign_to: tester }]",
          "  - name: rest",
          "    agents: *all",
          "    tasks: [{ subject: s, description: d, assign_to: builder }]"
        ])
        const spec = yield* WorkflowFile.parse(text, "flow.yaml")
        assert.deepStrictEqual(spec.agents.map(({ cpus, memory, name, program }) => [name, program, cpus, memory]), [
          ["builder", "none", 4, "4g"],
          ["tester", "none", 1, "4g"],
          ["writer", "none", 3, "1g"]
        ])
        assert.deepStrictEqual(spec.teams[1]?.agents, ["builder", "tester"])
      }))

    it.effect("may be used for hundreds of agents", () =>
      Effect.gen(function*() {
        const more = Array.from({ length: 500 }, (_, index) => `  - { <<: *base, name: agent${index} }`)
        const text = file(head, ["agents:", "  - &base { name: builder, program: none }"], more, [
          "  - name: tester"
        ], team, build)
        assert.strictEqual((yield* WorkflowFile.parse(text, "flow.yaml")).agents.length, 502)
      }))

    refuses(
      "that multiply without end are refused",
      `a: &a [x, x, x, x, x, x, x, x, x, x]\n${
        ["b", "c", "d", "e", "f", "g", "h", "i"].map((name, index) =>
          `${name}: &${name} [${Array.from({ length: 10 }, () => `*${"abcdefgh"[index]}`).join(", ")}]`
        ).join("\n")
      }\n`,
      "flow.yaml:5:36 e[7]: found aliases that add more than 100000 values, expected fewer or smaller aliases"
    )
    refuses(
      "without an anchor, and within their own, are refused",
      "metadata: *nowhere\nagents: &agents [*agents]\n",
      "flow.yaml:1:11 metadata: found the alias *nowhere, expected an anchor &nowhere before it",
      "flow.yaml:2:18 agents[0]: found the alias *agents inside of its own anchor, expected another value"
    )
    refuses(
      "that are no maps cannot be merged",
      "metadata: { <<: 3 }\n",
      "flow.yaml:1:17 metadata: found the number 3, expected a map, or a list of maps, to merge"
    )
    refuses(
      "are reported once, where they point to",
      file(head, ["agents:", "  - &base { name: builder, cpus: 0 }", "  - { <<: *base, name: tester }"], team, build),
      "flow.yaml:4:34 agents[0].cpus (agent \"builder\"): found the number 0, expected a whole number greater than 0"
    )
  })

  describe("refuses, in a workflow", () => {
    refuses(
      "no agents",
      file(head, ["agents: []"], team, build),
      "flow.yaml:3:9 agents: found an empty list, expected at least one agent"
        + " (a workflow without agents has nobody to do its tasks)"
    )
    refuses(
      "no teams",
      file(head, agents, ["teams: []"]),
      "flow.yaml:6:8 teams: found an empty list, expected at least one team (a workflow without teams has no tasks)"
    )
    refuses(
      "a team without members",
      file(head, agents, ["teams:", "  - name: core", "    agents: []", "    tasks:"], build),
      "flow.yaml:8:13 teams[0].agents (team \"core\"): found an empty list, expected at least one agent name"
    )
    refuses(
      "a team without tasks",
      file(head, agents, [
        "teams:",
        "  - { name: core, agents: [builder], tasks: [] }",
        "  - { name: rest, agents: [tester] }"
      ]),
      "flow.yaml:7:45 teams[0].tasks (team \"core\"): found an empty list, expected at least one task"
        + " (a team without tasks has nothing to do)",
      "flow.yaml:8:5 teams[1].tasks (team \"rest\"): found nothing, expected a list of tasks"
    )
    refuses(
      "an agent that is named twice",
      file(head, agents, ["  - name: builder"], team, build),
      "flow.yaml:6:11 agents[2].name: found \"builder\" a second time,"
        + " expected a name of its own (agents[0] has this one)"
    )
    refuses(
      "a team that is named twice",
      file(head, agents, team, build, team.slice(1), build),
      "flow.yaml:13:11 teams[1].name: found \"core\" a second time, expected a name of its own (teams[0] has this one)"
    )
    refuses(
      "a subject that is given twice in a team",
      file(head, agents, team, build, build),
      "flow.yaml:13:18 teams[0].tasks[1].subject (team \"core\"): found \"build\" a second time,"
        + " expected a subject of its own (tasks[0] has this one)"
    )
    refuses(
      "a member that is no agent, once",
      file(head, agents, ["teams:", "  - name: core", "    agents: [bilder]", "    tasks:"], [
        "      - { subject: build, description: Build it., assign_to: bilder }"
      ]),
      "flow.yaml:8:14 teams[0].agents[0] (team \"core\"): found \"bilder\", expected the name of an agent of the workflow"
        + " (did you mean \"builder\"?)"
    )
    refuses(
      "a task for an agent that is not in the team",
      file(head, agents, ["teams:", "  - name: core", "    agents: [tester]", "    tasks:"], build),
      "flow.yaml:12:20 teams[0].tasks[0].assign_to (team \"core\", task \"build\"): found \"builder\", expected the name of a member of team \"core\""
        + " (the agent \"builder\" is not listed in teams[0].agents)"
    )
    refuses(
      "a task that waits for itself",
      file(head, agents, team, build, ["        blocked_by: [build]"]),
      "flow.yaml:13:22 teams[0].tasks[0].blocked_by[0] (team \"core\", task \"build\"): found \"build\", the task itself,"
        + " expected another task of team \"core\""
    )
    refuses(
      "a task that waits for a task of another team",
      file(head, agents, team, build, ["  - name: rest", "    agents: [tester]", "    tasks:"], test),
      "flow.yaml:19:22 teams[1].tasks[0].blocked_by[0] (team \"rest\", task \"test\"): found \"build\","
        + " expected the subject of a task of team \"rest\", or the id of any task"
        + " (it is the subject of a task of team \"core\": give that an id, and name it by that)"
    )
    refuses(
      "tasks that wait for each other",
      file(head, agents, team, build, ["        blocked_by: [test]"], test),
      "flow.yaml:13:22 teams[0].tasks[0].blocked_by[0] (team \"core\", task \"build\"): found the cycle build -> test -> build,"
        + " expected tasks that do not wait for each other in a circle"
    )
    refuses(
      "a container without an image",
      file(head, agents, ["    runtime: docker"], team, build),
      "flow.yaml:5:5 agents[1].docker_image (agent \"tester\"): found nothing,"
        + " expected the name of an image, because runtime is \"docker\""
    )
    refuses(
      "another version of the format",
      `apiVersion: telemachy/v2\n${whole}`,
      "flow.yaml:1:13 apiVersion: found \"telemachy/v2\", expected \"telemachy/v1\""
    )
    refuses(
      "a timeout that is none",
      `timeout_seconds: 0\n${whole}`,
      "flow.yaml:1:18 timeout_seconds: found the number 0, expected a duration greater than 0, as 90 (seconds), 30s, 10m or 1h 30m, at most 24d or null"
    )
    refuses(
      "values without quotes, as they are written",
      file(["metadata:", "  name: 3.10", "  a: 0123", "  b: 0x1F", "  c: 1e3", "  d: True", "  e: -0.50", "  f: NO"], agents, team, build),
      ...[["2:9", "name", "the number 3.10", "3.10"], ["3:6", "a", "the number 0123", "0123"], ["4:6", "b", "the number 0x1F", "0x1F"],
        ["5:6", "c", "the number 1e3", "1e3"], ["6:6", "d", "True", "True"], ["7:6", "e", "the number -0.50", "-0.50"]].map(
          ([place, key, found, written]) =>
            `flow.yaml:${place} metadata.${key}: found ${found}, expected text (to use it as text, put it in quotes: "${written}")`
        )
    )
    refuses(
      "an item of a list without quotes, as it is written",
      file(head, agents, ["teams:", "  - name: core", "    agents: [builder, 0x10]", "    tasks:"], build),
      "flow.yaml:8:23 teams[0].agents[1] (team \"core\"): found the number 0x10, expected text (to use it as text, put it in quotes: \"0x10\")"
    )
    refuses(
      "words of other tools, each with ours, and told once",
      file(head, agents, ["teams:", "  - name: core", "    agents: [builder, tester]", "    steps:", ...build, "teardwon: always"]),
      "flow.yaml:9:5 teams[0].steps (team \"core\"): found an unknown key, expected one of the keys name, agents, max_parallel, tasks (did you mean \"tasks\"?)",
      "flow.yaml:13:1 teardwon: found an unknown key, expected one of the keys apiVersion, metadata, inputs, secrets, agents, teams, teardown, defaults, outputs, max_parallel, park_after, budget, concurrency, schedules, notify, timeout, timeout_seconds (did you mean \"teardown\"?)"
    )
    refuses(
      "a task in the words of other tools",
      file(head, agents, team, build, [
        "      - title: test", "        prompt: Test it.", "        assignee: tester", "        needs: [build]", "        dependsOn: [build]"
      ]),
      ...[["13:9", "title", "subject"], ["14:9", "prompt", "description"], ["15:9", "assignee", "assign_to"],
        ["16:9", "needs", "blocked_by"], ["17:9", "dependsOn", "blocked_by"]].map(([place, key, meant]) =>
          `flow.yaml:${place} teams[0].tasks[1].${key} (team "core"): found an unknown key,`
          + ` expected one of the keys id, subject, description, assign_to, approve, uses, with, merge, on_conflict, blocked_by, type, timeout, retry, stalled_after, verify, workspace, base, if, matrix, max_parallel, outputs, outputs_prompt, continue_on_error (did you mean "${meant}"?)`)
    )
    refuses(
      "a time with a unit that is none",
      `timeout_seconds: 30min\n${whole}`,
      "flow.yaml:1:18 timeout_seconds: found \"30min\", expected a duration greater than 0, as 90 (seconds), 30s, 10m or 1h 30m, at most 24d or null"
    )
    refuses(
      "two limits of the run",
      `timeout: 30m\ntimeout_seconds: 30\n${whole}`,
      "flow.yaml:2:1 timeout_seconds: found a second limit of the run, expected either timeout or timeout_seconds, which is another name of it"
    )
    refuses(
      "values of other types",
      file(["metadata: { name: 2024, version: 1.5 }", "timeout_seconds: soon", "teardown: yes"], agents, [
        "    model: [opus]",
        "    working_dir:"
      ], team, build, ["        blocked_by: build"]),
      "flow.yaml:1:19 metadata.name: found the number 2024,"
        + " expected text (to use it as text, put it in quotes: \"2024\")",
      "flow.yaml:1:34 metadata.version: found the number 1.5,"
        + " expected text (to use it as text, put it in quotes: \"1.5\")",
      "flow.yaml:2:18 timeout_seconds: found \"soon\", expected a duration greater than 0, as 90 (seconds), 30s, 10m or 1h 30m, at most 24d or null",
      "flow.yaml:3:11 teardown: found \"yes\", expected \"on_completion\", \"on_failure\", \"always\" or \"never\"",
      "flow.yaml:7:12 agents[1].model (agent \"tester\"): found a list, expected text or null",
      "flow.yaml:8:17 agents[1].working_dir (agent \"tester\"): found nothing (null), expected text",
      "flow.yaml:16:21 teams[0].tasks[0].blocked_by (team \"core\", task \"build\"): found \"build\", expected a list"
    )
    refuses(
      "names of nothing but spaces",
      file(["metadata: { name: \" \" }"], agents, team, build, [
        "      - { subject: \"\", description: d, assign_to: tester }"
      ]),
      "flow.yaml:1:19 metadata.name: found \" \", expected text that is not empty",
      "flow.yaml:12:20 teams[0].tasks[1].subject (team \"core\"): found an empty text, expected text that is not empty"
    )
    refuses(
      "text that Agamemnon would find too long, in bytes",
      file(head, agents, [`  - name: ${"é".repeat(129)}`, `    program: ${"x".repeat(1025)}`], [
        "teams:",
        `  - name: ${"x".repeat(257)}`,
        "    agents: [builder]",
        "    tasks:",
        `      - subject: ${"x".repeat(513)}`,
        `        description: ${"🙂".repeat(1025)}`,
        "        assign_to: builder"
      ]),
      "flow.yaml:6:11 agents[2].name: found text of 258 bytes, expected text of at most 256 bytes",
      "flow.yaml:7:14 agents[2].program (agent \"éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé…\"): found text of 1025 bytes, expected text of at most 1024 bytes",
      "flow.yaml:9:11 teams[0].name: found text of 257 bytes, expected text of at most 256 bytes",
      "flow.yaml:12:18 teams[0].tasks[0].subject (team \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…\"): found text of 513 bytes, expected text of at most 512 bytes",
      "flow.yaml:13:22 teams[0].tasks[0].description (team \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…\", task \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…\"): found text of 4100 bytes, expected text of at most 4096 bytes"
    )
    refuses(
      "half a character, which cannot be sent",
      file(head, agents, ["    memory: \"\\uD83D\""], team, build),
      "flow.yaml:6:13 agents[1].memory (agent \"tester\"): found \"\\ud83d\", expected text that has a UTF-8 form"
    )
    refuses(
      "a key named __proto__",
      `__proto__: { name: x }\n${whole}`,
      "flow.yaml:1:1 __proto__: found an unknown key,"
        + " expected one of the keys apiVersion, metadata, inputs, secrets, agents, teams, teardown, defaults, outputs, max_parallel, park_after, budget, concurrency, schedules, notify, timeout, timeout_seconds"
    )
  })

  describe("refuses the key __proto__, which no schema can carry, in any map:", () => {
    const kept = "found the key \"__proto__\", expected another key: this one has no place in a map"
    refuses("of metadata", file([...head, "  __proto__: x"], agents, team, build), `flow.yaml:3:3 metadata.__proto__: ${kept}`)
    refuses(
      "of the environment of an agent, also where it is merged",
      file(
        head,
        ["agents:", "  - name: builder", "    env: &env { A: b, __proto__: x }", "  - name: tester", "    env: { <<: *env }"],
        team,
        build
      ),
      `flow.yaml:5:23 agents[0].env.__proto__ (agent "builder"): ${kept}`
    )
    refuses(
      "of outputs",
      file(head, agents, team, build, ["        outputs: { __proto__: string }"]),
      `flow.yaml:13:20 teams[0].tasks[0].outputs.__proto__ (team "core", task "build"): ${kept}`
    )
    refuses(
      "of inputs, once",
      file(head, agents, ["inputs: { __proto__: 1 }"], team, build),
      "flow.yaml:6:11 inputs.__proto__: found the name \"__proto__\", expected another name: expressions cannot read this one"
    )
  })

  describe("tells one mistake once:", () => {
    refuses(
      "a misspelt key of a map that takes any is not missing as well",
      file(["metadata: { nmae: flow }"], agents, team, build),
      "flow.yaml:1:13 metadata.nmae: found the key \"nmae\" and no name, expected the key name (did you mean \"name\"?)"
    )
    refuses(
      "a key with a dot",
      file(["metadata.name: flow"], agents, team, build),
      "flow.yaml:1:1 [\"metadata.name\"]: found an unknown key, expected the key name inside of metadata"
    )
    refuses(
      "a misspelt word of another tool",
      file(head, agents, team, ["      - { titel: build, description: d, assign_to: builder }"]),
      "flow.yaml:10:11 teams[0].tasks[0].titel (team \"core\"): found an unknown key,"
        + " expected one of the keys id, subject, description, assign_to, approve, uses, with, merge, on_conflict, blocked_by, type, timeout, retry, stalled_after, verify, workspace, base, if, matrix, max_parallel, outputs, outputs_prompt, continue_on_error (did you mean \"subject\"?)"
    )
    refuses(
      "an agent whose name is misspelt is not unknown in its team",
      file(head, ["agents:", "  - nmae: builder", "  - name: tester"], team, build),
      "flow.yaml:4:5 agents[0].nmae: found an unknown key, expected one of the keys name, program, model, working_dir,"
        + " runtime, docker_image, cpus, memory, env, args, system, session, workspace, base, limits, stalled_after (did you mean \"name\"?)"
    )
    refuses(
      "a task whose subject is misspelt is not unknown to those that wait for it",
      file(head, agents, team, [
        "      - { subjet: build, description: d, assign_to: builder }",
        "      - { subject: test, description: d, assign_to: tester, blocked_by: [build] }"
      ]),
      "flow.yaml:10:11 teams[0].tasks[0].subjet (team \"core\"): found an unknown key,"
        + " expected one of the keys id, subject, description, assign_to, approve, uses, with, merge, on_conflict, blocked_by, type, timeout, retry, stalled_after, verify, workspace, base, if, matrix, max_parallel, outputs, outputs_prompt, continue_on_error (did you mean \"subject\"?)"
    )
    refuses(
      "a member that is misspelt is not unknown where a task has it right",
      file(head, agents, ["teams:", "  - name: core", "    agents: [bilder, tester]", "    tasks:"], build),
      "flow.yaml:8:14 teams[0].agents[0] (team \"core\"): found \"bilder\", expected the name of an agent of the workflow (did you mean \"builder\"?)"
    )
    refuses(
      "a misspelt image of a container is not missing as well",
      file(head, ["agents:", "  - name: builder", "    runtime: docker", "    docker_imge: node", "  - name: tester"], team, build),
      "flow.yaml:6:5 agents[0].docker_imge (agent \"builder\"): found an unknown key, expected one of the keys name, program, model,"
        + " working_dir, runtime, docker_image, cpus, memory, env, args, system, session, workspace, base, limits, stalled_after (did you mean \"docker_image\"?)"
    )
  })

  it.effect("accepts text that is exactly as long as Agamemnon allows", () =>
    Effect.gen(function*() {
      const name = "é".repeat(128)
      const text = file(head, ["agents:", `  - name: ${name}`], ["teams:", "  - name: core", `    agents: [${name}]`], [
        "    tasks:",
        `      - subject: ${"x".repeat(512)}`,
        `        description: ${"🙂".repeat(1024)}`,
        `        assign_to: ${name}`
      ])
      assert.strictEqual((yield* WorkflowFile.parse(text, "flow.yaml")).agents[0]?.name, name)
    }))

  it.effect("reads a timeout as a duration, and ignores a byte order mark", () =>
    Effect.gen(function*() {
      const spec = yield* WorkflowFile.parse(`\ufefftimeout_seconds: 1.5\n${whole}`, "flow.yaml")
      assert.deepStrictEqual(spec.timeout, Option.some(Duration.millis(1500)))
    }))

  it.effect("prints the first hundred of very many problems and how many are left", () =>
    Effect.gen(function*() {
      const many = Array.from({ length: 150 }, (_, index) => `  - { name: agent${index}, cpus: 0 }`)
      const lines = yield* refusal(file(head, agents, many, team, build))
      assert.strictEqual(lines.length, 101)
      assert.strictEqual(lines.at(-1), "flow.yaml: 50 more problems")
    }))
})
