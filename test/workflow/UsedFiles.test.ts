import { NodeFileSystem } from "@effect/platform-node"
import * as FileSystem from "@effect/platform/FileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Evaluation from "../../src/workflow/Evaluation.ts"
import * as WorkflowFile from "../../src/workflow/WorkflowFile.ts"

type Files = Readonly<Record<string, string>>

const head = (name: string, more = "") => `metadata: {name: ${name}}
${more}agents: [{name: worker, program: none}]
teams:
  - name: core
    agents: [worker]
    tasks:
`

const work = (subject: string, more = "") => `      - {subject: ${subject}, description: d, assign_to: worker${more}}\n`

const use = (file: string, more = "") => `      - {id: used, subject: Use, uses: ${file}${more}}\n`

const review = `${head("review", "inputs: {what: {type: string, required: true}, depth: 2}\noutputs: {verdict: \"${{ tasks.look.status }}\"}\n")}${
  work("look", ", id: look")
}`

/** Writes files into a directory of their own, and loads the first. */
const load = Effect.fnUntraced(function*(files: Files) {
  const fs = yield* FileSystem.FileSystem
  const directory = yield* fs.makeTempDirectoryScoped()
  yield* fs.makeDirectory(`${directory}/sub`)
  for (const [name, text] of Object.entries(files)) yield* fs.writeFileString(`${directory}/${name}`, text)
  return { directory, loaded: WorkflowFile.loadWithPositions(`${directory}/main.yaml`) }
})

/** What is said of files that are wrong, without the directory. */
const refusal = (files: Files) =>
  Effect.gen(function*() {
    const { directory, loaded } = yield* load(files)
    const { message } = yield* Effect.flip(loaded)
    return message.replaceAll(`${directory}/`, "").split("\n")
  }).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer))

const using = (more: string, file = "./review.yaml") => `${head("main")}${work("plan", ", id: plan, outputs: {n: number, s: string}")}${use(file, more)}`

describe("a workflow file that uses another", () => {
  it.effect("is loaded with it, relative to its own directory", () =>
    Effect.gen(function*() {
      const { loaded } = yield* load({
        "main.yaml": `${head("main")}${use("./sub/a.yaml")}${work("after", ", blocked_by: [used]")}`,
        "sub/a.yaml": `${head("a")}${use("../review.yaml", ", with: {what: x}")}`,
        "review.yaml": review
      })
      const { spec, warnings } = yield* loaded
      assert.deepStrictEqual(Object.keys(spec.files ?? {}).toSorted(), ["review.yaml", "sub/a.yaml"])
      assert.deepStrictEqual(warnings, [])
      const { spec: whole } = yield* Evaluation.evaluate(spec, { inputs: {}, run: { id: "r", attempt: 1 } })
      assert.deepStrictEqual(whole.agents.map(({ name }) => name), ["worker", "used/worker", "used/used/worker"])
      assert.deepStrictEqual(whole.teams.map(({ name }) => name), ["core", "used/core", "used/used/core"])
      assert.deepStrictEqual(whole.teams.flatMap(({ tasks }) => tasks.flatMap(({ id }) => Option.toArray(id))), ["used", "used/used", "used/used/look"])
    }).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer)))

  it.effect("can be used twice, and a file by several others", () =>
    Effect.gen(function*() {
      const { loaded } = yield* load({
        "main.yaml": `${head("main")}${use("./a.yaml")}${use("./review.yaml", ", with: {what: x}").replace("id: used, subject: Use", "id: again, subject: Again")}`,
        "a.yaml": `${head("a")}${use("./review.yaml", ", with: {what: y}")}`,
        "review.yaml": review
      })
      const { spec } = yield* loaded
      assert.deepStrictEqual(Object.keys(spec.files ?? {}).toSorted(), ["a.yaml", "review.yaml"])
    }).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer)))

  it.effect.each([
    ["a file that is not there", { "main.yaml": using("", "./reviev.yaml") }, [
      "main.yaml:8:40 teams[0].tasks[1].uses (team \"core\", task \"Use\"): found a file that can not be read (reviev.yaml: no such file), expected the path of a workflow file, from the directory of this one"
    ]],
    ["a directory", { "main.yaml": using("", "./sub") }, [
      "main.yaml:8:40 teams[0].tasks[1].uses (team \"core\", task \"Use\"): found a file that can not be read (sub: is a directory, expected a workflow file), expected the path of a workflow file, from the directory of this one"
    ]],
    ["itself", { "main.yaml": using("", "./main.yaml") }, [
      "main.yaml:8:40 teams[0].tasks[1].uses (team \"core\", task \"Use\"): found the circle main.yaml -> main.yaml, expected files that do not use each other in a circle"
    ]],
    ["one that uses it", { "main.yaml": using("", "./a.yaml"), "a.yaml": `${head("a")}${use("./main.yaml")}` }, [
      "main.yaml:8:40 teams[0].tasks[1].uses (team \"core\", task \"Use\"): found the circle main.yaml -> a.yaml -> main.yaml, expected files that do not use each other in a circle",
      "a.yaml:7:40 teams[0].tasks[0].uses (team \"core\", task \"Use\"): found the circle a.yaml -> main.yaml -> a.yaml, expected files that do not use each other in a circle"
    ]],
    ["three in a circle", {
      "main.yaml": using("", "./a.yaml"),
      "a.yaml": `${head("a")}${use("./b.yaml")}`,
      "b.yaml": `${head("b")}${use("./main.yaml")}`
    }, [
      "main.yaml:8:40 teams[0].tasks[1].uses (team \"core\", task \"Use\"): found the circle main.yaml -> a.yaml -> b.yaml -> main.yaml, expected files that do not use each other in a circle",
      "a.yaml:7:40 teams[0].tasks[0].uses (team \"core\", task \"Use\"): found the circle a.yaml -> b.yaml -> main.yaml -> a.yaml, expected files that do not use each other in a circle",
      "b.yaml:7:40 teams[0].tasks[0].uses (team \"core\", task \"Use\"): found the circle b.yaml -> main.yaml -> a.yaml -> b.yaml, expected files that do not use each other in a circle"
    ]],
    ["an input that there is not, and none of what it needs", { "main.yaml": using(", with: {waht: x, depth: deep}"), "review.yaml": review }, [
      "main.yaml:8:62 teams[0].tasks[1].with.waht (team \"core\", task \"Use\"): found the unknown input \"waht\", expected an input of ./review.yaml: what, depth (did you mean \"what\"?)",
      "main.yaml:8:78 teams[0].tasks[1].with.depth (team \"core\", task \"Use\"): found \"deep\", expected a number"
    ]],
    ["values of other types than its inputs", { "main.yaml": using(", blocked_by: [plan], with: {what: \"${{ tasks.plan.outputs.n }}\", depth: \"${{ tasks.plan.outputs.s }}\"}"), "review.yaml": review }, [
      "main.yaml:8:88 teams[0].tasks[1].with.what (team \"core\", task \"Use\"): found a number, expected text",
      "main.yaml:8:126 teams[0].tasks[1].with.depth (team \"core\", task \"Use\"): found text, expected a number"
    ]],
    ["what another task answers without waiting for it", { "main.yaml": using(", with: {what: \"${{ tasks.plan.outputs.s }}\"}"), "review.yaml": review }, [
      "main.yaml:8:73 teams[0].tasks[1].with.what (team \"core\", task \"Use\"): found tasks.plan, for which this task does not wait, expected a task before this one: add blocked_by: [plan]"
    ]],
    ["a value that it needs before it is there", {
      "main.yaml": using(", blocked_by: [plan], with: {what: \"${{ tasks.plan.outputs.s }}\"}", "./a.yaml"),
      "a.yaml": `${head("a", "inputs: {what: x}\n")}${use("./b.yaml", ", with: {name: \"${{ inputs.what }}!\"}")}`,
      "b.yaml": `${head("b", "inputs: {name: x}\n")}${work("\"Do ${{ inputs.name }}\"")}`
    }, [
      "main.yaml:8:83 teams[0].tasks[1].with.what (team \"core\", task \"Use\"): found a value that is known only when the task is due, expected one that is known before the run, because it is read in subject of b.yaml"
    ]],
    ["six, one below the other", Object.fromEntries(["main", "a", "b", "c", "d", "e", "f"].map((name, depth, all) =>
      [`${name}.yaml`, `${head(name)}${depth === 6 ? work("last") : use(`./${all[depth + 1]}.yaml`)}`])), [
      "main.yaml:7:40 teams[0].tasks[0].uses (team \"core\", task \"Use\"): found files that use each other 6 deep, expected at most 5 files, one below the other"
    ]],
    ["keys of other kinds of task", {
      "main.yaml": using(", description: d, assign_to: worker, approve: Yes?, matrix: {a: [1]}, timeout: 1m, retry: 1, continue_on_error: true, outputs: {x: string}, with: {what: x}"),
      "review.yaml": review
    }, [
      "main.yaml:8:55 teams[0].tasks[1].description (team \"core\", task \"Use\"): found description of a task with uses, expected a task with uses and without description: the tasks of the workflow that it uses say that",
      "main.yaml:8:71 teams[0].tasks[1].assign_to (team \"core\", task \"Use\"): found assign_to of a task with uses, expected a task with uses and without assign_to: the tasks of the workflow that it uses say that",
      "main.yaml:8:90 teams[0].tasks[1].approve (team \"core\", task \"Use\"): found approve of a task with uses, expected a task with uses and without approve: the tasks of the workflow that it uses say that",
      "main.yaml:8:105 teams[0].tasks[1].matrix (team \"core\", task \"Use\"): found matrix of a task with uses, expected a task with uses and without matrix: a workflow is used once by each task",
      "main.yaml:8:123 teams[0].tasks[1].timeout (team \"core\", task \"Use\"): found timeout of a task with uses, expected a task with uses and without timeout: the tasks of the workflow that it uses say that",
      "main.yaml:8:136 teams[0].tasks[1].retry (team \"core\", task \"Use\"): found retry of a task with uses, expected a task with uses and without retry: the tasks of the workflow that it uses say that",
      "main.yaml:8:146 teams[0].tasks[1].continue_on_error (team \"core\", task \"Use\"): found continue_on_error of a task with uses, expected a task with uses and without continue_on_error: the tasks of the workflow that it uses say that",
      "main.yaml:8:171 teams[0].tasks[1].outputs (team \"core\", task \"Use\"): found outputs of a task with uses, expected a task with uses and without outputs: the tasks of the workflow that it uses say that"
    ]],
    ["no id", { "main.yaml": `${head("main")}      - {subject: Use, uses: ./review.yaml, with: {what: x}}\n`, "review.yaml": review }, [
      "main.yaml:7:9 teams[0].tasks[0].id (team \"core\", task \"Use\"): found nothing, expected an id, with which the names of what it uses begin"
    ]],
    ["outputs that it does not have", {
      "main.yaml": `${using(", with: {what: x}")}${work("after", ", blocked_by: [used], description: \"${{ tasks.used.outputs.verdct }} ${{ tasks.used.result }}\"").replace(", description: d", "")}`,
      "review.yaml": review
    }, [
      "main.yaml:9:102 teams[0].tasks[2].description (team \"core\", task \"after\"): found the unknown name verdct, expected a name that tasks.used.outputs has: verdict (did you mean \"verdict\"?)",
      "main.yaml:9:127 teams[0].tasks[2].description (team \"core\", task \"after\"): found result, expected status or outputs: of a task with uses, outputs at the top of its file say what it answers"
    ]],
    ["one with mistakes, beside those of its own", {
      "main.yaml": `${using(", with: {what: x}")}${work("after", ", blocked_by: [nobody]")}`,
      "review.yaml": review.replace("tasks.look.status", "tasks.lok.status").replace("assign_to: worker", "assign_to: nobody")
    }, [
      "main.yaml:9:74 teams[0].tasks[2].blocked_by[0] (team \"core\", task \"after\"): found \"nobody\", expected the subject of a task of team \"core\", or the id of any task",
      "review.yaml:3:31 outputs.verdict: found the unknown name lok, expected a name that tasks has: look (did you mean \"look\"?)",
      "review.yaml:9:52 teams[0].tasks[0].assign_to (team \"core\", task \"look\"): found \"nobody\", expected the name of a member of team \"core\""
    ]],
    ["one that is no YAML", { "main.yaml": using(", with: {what: x}"), "review.yaml": "a: [" }, [
      "review.yaml:1:4 found an open [, expected a ] that closes it"
    ]],
    ["with without uses, and expressions in uses", {
      "main.yaml": `${head("main")}${work("a", ", with: {what: x}")}${use("\"./${{ inputs.x }}.yaml\"")}`
    }, [
      "main.yaml:7:57 teams[0].tasks[0].with (team \"core\", task \"a\"): found with of a task without uses, expected uses beside it, the file of the workflow that is given this",
      "main.yaml:8:40 teams[0].tasks[1].uses (team \"core\", task \"Use\"): found \"./${{ inputs.x }}.yaml\", expected the path of a file, without expressions"
    ]],
    ["files of its own", { "main.yaml": `files: {}\n${head("main")}${work("a")}` }, [
      "main.yaml:1:1 files: found an unknown key, expected a key of a workflow: the workflows that tasks use are in the files that uses names"
    ]],
    ["a team that has the name of one in the file", {
      "main.yaml": using(", with: {what: x}").replace("name: core", "name: used/core"),
      "review.yaml": review
    }, [
      "main.yaml:8:14 teams[0].tasks[1].id (team \"used/core\", task \"Use\"): found \"used\", expected another id: there is \"used/core\" already, which would be the name of one in the file"
    ]]
  ] as ReadonlyArray<readonly [string, Files, ReadonlyArray<string>]>)("is refused for %s", ([, files, expected]) =>
    Effect.map(refusal(files), (lines) => assert.deepStrictEqual(lines, expected)))
})
