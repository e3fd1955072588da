import { execFile } from "node:child_process"
import { mkdirSync, readFileSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { emptyDirectory, root, start, test } from "../support/TestCommand.ts"

const execute = promisify(execFile)

/** Packs the project as it would be published, and unpacks it beside the modules that it depends on. */
const unpacked = Effect.gen(function*() {
  const directory = yield* emptyDirectory
  const packed = yield* Effect.promise(() =>
    execute("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", directory], { cwd: root }))
  const [{ filename, files }]: [{ filename: string; files: ReadonlyArray<{ path: string; mode: number }> }] = JSON.parse(packed.stdout)
  yield* Effect.promise(() => execute("tar", ["-xzf", join(directory, filename), "-C", directory]))
  const modules = join(directory, "node_modules")
  mkdirSync(modules)
  const { dependencies }: { readonly dependencies: Readonly<Record<string, string>> } = JSON.parse(
    readFileSync(join(root, "package.json"), "utf8")
  )
  // Only what the package says that it depends on, and what that in turn finds beside it.
  for (const name of Object.keys(dependencies)) {
    if (name.includes("/")) mkdirSync(join(modules, name.split("/", 1).join("")), { recursive: true })
    symlinkSync(join(root, "node_modules", name), join(modules, name))
  }
  symlinkSync(join(directory, "package"), join(modules, "telemachy"))
  return { directory, files }
})

describe.concurrent("the package", () => {
  test("holds the command, the library, its types and the workflows, and nothing else", () =>
    Effect.gen(function*() {
      const { files } = yield* unpacked
      const paths = files.map(({ path }) => path)
      assert.includeMembers(paths, [
        "CHANGELOG.md",
        "LICENSE",
        "dist/bin.js",
        "dist/lib/Heartbeat.d.ts",
        "dist/lib/Heartbeat.js",
        "dist/lib/index.d.ts",
        "dist/lib/index.js",
        "package.json",
        "schemas/workflow-v1.json",
        "workflows/hello.yaml"
      ])
      const allowed = /^(CHANGELOG\.md|LICENSE|README\.md|package\.json|dist\/(lib\/)?[\w-]+\.(js|d\.ts)|schemas\/[\w-]+\.json|workflows\/[\w-]+\.yaml)$/
      assert.deepStrictEqual(paths.filter((path) => !allowed.test(path)), [])
      assert.strictEqual((files.find(({ path }) => path === "dist/bin.js")?.mode ?? 0) & 0o111, 0o111)
    }))

  test("runs as a command that carries all it needs, and as a library beside effect", () =>
    Effect.gen(function*() {
      const { directory } = yield* unpacked
      const package_ = join(directory, "package")
      const command = yield* start([join(package_, "dist/bin.js"), "run", join(package_, "workflows/hello.yaml")], { directory })
      const ran = yield* command.ended
      assert.strictEqual(ran.code, 0, ran.stderr)
      const script = `
        import * as Telemachy from "telemachy"
        import schema from "telemachy/schemas/workflow-v1.json" with { type: "json" }
        import { guard } from "telemachy/Heartbeat"
        import * as Effect from "effect/Effect"
        const spec = Telemachy.WorkflowSpec.decode({
          metadata: { name: "package" },
          agents: [{ name: "a", program: "none" }],
          teams: [{ name: "t", agents: ["a"], tasks: [{ subject: "s", description: "d", assign_to: "a" }] }]
        })
        if (guard !== Telemachy.Heartbeat.guard) throw new Error("a module is there twice")
        const closed = await import("telemachy/Transport").then(() => "open", ({ code }) => code)
        console.log(closed)
        console.log(Object.keys(Telemachy).sort().join(" "), schema.$id, (await Effect.runPromise(spec)).metadata.name)
      `
      const library = yield* start([process.execPath, "--no-warnings", "--input-type=module", "-e", script], { directory })
      const imported = yield* library.ended
      assert.strictEqual(imported.code, 0, imported.stderr)
      assert.match(imported.stdout, /^ERR_PACKAGE_PATH_NOT_EXPORTED\n.*\bWorkflowExecutor\b.* urn:telemachy:schema:workflow-v1 package\n$/)
    }))
})
