import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { directoryWith, run, telemachy, test } from "../support/TestCommand.ts"

const main = `metadata: {name: main}
inputs: {ticket: ABC}
agents: [{name: sh, program: sh}]
teams:
  - name: core
    agents: [sh]
    tasks:
      - {id: plan, subject: Plan, description: 'echo "summary=the plan" >> $TELEMACHY_OUTPUT', assign_to: sh, outputs: {summary: string}}
      - {id: review, subject: Review, uses: ./review.yaml, with: {what: "\${{ tasks.plan.outputs.summary }}", ticket: "\${{ inputs.ticket }}"}, blocked_by: [plan]}
      - {subject: After, description: 'cat $TELEMACHY_CONTEXT', assign_to: sh, blocked_by: [review]}
`

const review = `metadata: {name: review}
inputs: {what: {required: true}, ticket: X}
secrets: [REVIEW_TOKEN]
budget: {tasks: 3}
outputs: {verdict: "\${{ tasks.look.outputs.verdict }}"}
agents: [{name: sh, program: sh, working_dir: ., env: {T: "\${{ secrets.REVIEW_TOKEN }}-\${{ inputs.ticket }}"}}]
teams:
  - name: desk
    agents: [sh]
    tasks:
      - {id: look, subject: Look, description: 'cat $TELEMACHY_CONTEXT; echo; echo "T=$T"; echo "verdict=fine" >> $TELEMACHY_OUTPUT', assign_to: sh, outputs: {verdict: string}}
`

describe.concurrent("a workflow file that uses another", () => {
  test("is run with it, with its inputs, secrets and outputs", () =>
    Effect.gen(function*() {
      const directory = yield* directoryWith({ "main.yaml": main, "review.yaml": review })
      const env = { TELEMACHY_DATABASE_URL: `file:${join(directory, "runs.db")}`, REVIEW_TOKEN: "abcdefgh" }
      const ended = yield* run(["run", "main.yaml"], { directory, env })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.include(ended.stderr, "warning: teams[0].tasks[1].uses (team \"core\", task \"Review\"): budget of ./review.yaml has no effect here")
      const said = `${ended.stdout}${ended.stderr}`
      assert.include(said, "\"workflow\":{\"name\":\"review\"},\"inputs\":{\"what\":\"the plan\",\"ticket\":\"ABC\"},\"tasks\":{}")
      assert.include(said, "T=***-ABC")
      assert.include(said, "\"review\":{\"status\":\"completed\",\"result\":\"\",\"outputs\":{\"verdict\":\"fine\"}}")
      assert.match(said, /review\/desk\/Look +review\/sh .*completed/)
    }))

  test("is refused without the secrets of that, and for what is wrong with it, exit 2", () =>
    Effect.gen(function*() {
      const directory = yield* directoryWith({ "main.yaml": main, "review.yaml": review, "wrong.yaml": main.replace("./review.yaml", "./bad.yaml"), "bad.yaml": review.replace("tasks.look.", "tasks.lok.") })
      const env = { TELEMACHY_DATABASE_URL: `file:${join(directory, "runs.db")}` }
      const without = yield* run(["run", "main.yaml"], { directory, env })
      assert.strictEqual(without.code, 2)
      assert.include(without.stderr, "secret \"REVIEW_TOKEN\": found nothing")
      const wrong = yield* run(["run", "wrong.yaml"], { directory, env })
      assert.strictEqual(wrong.code, 2)
      assert.include(wrong.stderr, "bad.yaml:5:31 outputs.verdict: found the unknown name lok, expected a name that tasks has: look (did you mean \"look\"?)\n 5 | outputs:")
    }))

  test("is planned as one workflow", () =>
    Effect.gen(function*() {
      const directory = yield* directoryWith({ "main.yaml": main, "review.yaml": review })
      const ended = yield* Effect.flatMap(telemachy(["plan", "main.yaml", "--json"], { directory }), ({ exited }) => exited)
      assert.strictEqual(ended.code, 0)
      const checked = yield* run(["validate", "main.yaml"], { directory })
      assert.match(checked.stdout, /^main.yaml: valid, .*, with 1 other file\n$/)
      assert.include(ended.stdout, "\"waves\":[[{\"team\":\"core\",\"subject\":\"Plan\"}],[{\"team\":\"review/desk\",\"subject\":\"Look\"}],[{\"team\":\"core\",\"subject\":\"Review\"}],[{\"team\":\"core\",\"subject\":\"After\"}]]")
    }))
})
