/** The files of docs/observability, by Prometheus' own tool, and what a runner answers. */
import { execFileSync } from "node:child_process"
import { existsSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Observability from "../support/Observability.ts"
import * as ScrapedRunner from "../support/ScrapedRunner.ts"

const promtool = "/usr/bin/promtool"

const told = (args: ReadonlyArray<string>, input = ""): string =>
  execFileSync(promtool, args, { cwd: Observability.directory, input, stdio: ["pipe", "pipe", "pipe"] }).toString()

describe.skipIf(!existsSync(promtool))(`docs/observability (left out without ${promtool}, of the package prometheus)`, () => {
  it("has alert rules that Prometheus takes, and that say what they are to say", () => {
    assert.match(told(["check", "rules", "alerts.yaml"]), new RegExp(`SUCCESS: ${Observability.rules.length} rules found`))
    assert.match(told(["test", "rules", "alerts.test.yaml"]), /SUCCESS/)
  })

  it("has a configuration that Prometheus takes", () => {
    assert.match(told(["check", "config", "--syntax-only", "prometheus.yaml"]), /SUCCESS/)
  })

  it.scopedLive("is about what a runner answers in the form of Prometheus", () =>
    Effect.gen(function*() {
      const text = yield* ScrapedRunner.metrics
      assert.strictEqual(told(["check", "metrics"], text), "")
      assert.throws(() => told(["check", "metrics"], `${text}telemachy_wrong{a=b} 1\n`))
    }))
})
