import { execFile } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { createContext, runInContext } from "node:vm"
import { afterAll, assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { build } from "esbuild"
import * as Sweep from "../support/Sweep.ts"
import { emptyDirectory, root, start, test } from "../support/TestCommand.ts"

const execute = promisify(execFile)

const packages = mkdtempSync(join(tmpdir(), "telemachy-package-"))
afterAll(() => rmSync(packages, { recursive: true, force: true }))

/** Packs the project as it would be published: once for all tests. */
const packed = Effect.runSync(Effect.cached(Effect.promise(async () => {
  const { stdout } = await execute("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", packages], { cwd: root })
  const [archive]: [{ filename: string; files: ReadonlyArray<{ path: string; mode: number }> }] = JSON.parse(stdout)
  return archive
})))

/** Unpacks the package beside the modules that it depends on. */
const unpack = Effect.fnUntraced(function*(hasPeers: boolean) {
  const directory = yield* emptyDirectory
  const { filename, files } = yield* packed
  yield* Effect.promise(() => execute("tar", ["-xzf", join(packages, filename), "-C", directory]))
  const modules = join(directory, "node_modules")
  mkdirSync(modules)
  const { dependencies, peerDependencies }: Readonly<Record<string, Readonly<Record<string, string>>>> = JSON.parse(
    readFileSync(join(root, "package.json"), "utf8")
  )
  // Only what the package says that it depends on, what an application has beside it, and what those in turn find.
  for (const name of Object.keys({ ...dependencies, ...(hasPeers ? { ...peerDependencies, "@effect/platform-node": "" } : {}) })) {
    if (name.includes("/")) mkdirSync(join(modules, name.split("/", 1).join("")), { recursive: true })
    symlinkSync(join(root, "node_modules", name), join(modules, name))
  }
  symlinkSync(join(directory, "package"), join(modules, "telemachy"))
  return { directory, files }
})

const unpacked = unpack(true)

/** Names of the values that are in the modules and not in their types. */
const internal = new Set(
  readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ts")).flatMap((path) =>
    [...readFileSync(join(root, "src", path), "utf8").matchAll(/@internal(?:(?!\*\/)[^])*\*\/\nexport (?:const|class|function) (\w+)/g)].map(
      ([, name]) => `${path.replace(/^.*\/|\.ts$/g, "")}.${name}`
    ))
)

/** An application that names each public value twice: as it is in the barrel, and as it is on the path of its module. */
const application = (values: ReadonlyArray<readonly [module: string, name: string]>): string =>
  [
    "import * as Telemachy from \"telemachy\"",
    ...new Set(values.map(([module]) => `import * as ${module} from "telemachy/${module}"`)),
    "export const values: Record<string, readonly [unknown, unknown]> = {",
    ...values.map(([module, name]) => `  "${module}.${name}": [Telemachy.${module}.${name}, ${module}.${name}],`),
    "}",
    "for (const [name, [one, other]] of Object.entries(values)) {",
    "  if (one === undefined || one !== other) throw new Error(`${name} is not there, or there twice`)",
    "}"
  ].join("\n")

/** The ways in which an application finds modules; `node16` and `nodenext` find the same. */
const resolutions = { bundler: "ESNext", nodenext: "NodeNext", ...(Sweep.isFull ? { node16: "Node16" } : {}) }

/** The least that a strict application asks of the compiler. */
const strict = { target: "ES2022", lib: ["ES2022", "DOM", "DOM.Iterable"], types: [], strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false }

/** An application with a Sharding of its own, which runs by itself. */
const clustered = `${readFileSync(join(root, "examples/runner-in-an-application.ts"), "utf8")}\nawait Effect.runPromise(program)\n`

describe.concurrent("the package", () => {
  test("holds the command, the library, its types and their source, and the workflows, and nothing else", () =>
    Effect.gen(function*() {
      const { files } = yield* unpacked
      const paths = files.map(({ path }) => path)
      assert.includeMembers(paths, [
        "CHANGELOG.md",
        "LICENSE",
        "dist/bin.js",
        "dist/lib/index.d.ts",
        "dist/lib/index.js",
        "dist/lib/liveness/Heartbeat.d.ts",
        "dist/lib/liveness/Heartbeat.d.ts.map",
        "dist/lib/liveness/Heartbeat.js",
        "dist/package.json",
        "dist/page/index.html",
        "dist/program.cjs",
        "dist/src/liveness/Heartbeat.ts",
        "docs/architecture.md",
        "examples/quick-start.ts",
        "package.json",
        "schemas/workflow-v1.json",
        "workflows/hello.yaml"
      ])
      const allowed =
        /^(CHANGELOG\.md|LICENSE|README\.md|package\.json|dist\/(bin\.js|program\.cjs|(lib\/)?package\.json)|dist\/lib\/[\w/-]+\.(js|d\.ts|d\.ts\.map)|dist\/src\/[\w/]+\.ts|dist\/page\/(index\.html|(script|style|icon)-[0-9a-f]{12}\.(js|css|svg))|docs\/[\w/-]+\.md|docs\/(picture\.svg|page-[a-z]+\.png)|docs\/hosts\/[\w-]+\.(yaml|service)|docs\/observability\/[\w.-]+\.(yaml|json)|examples\/([\w-]+\.(ts|yaml)|Dockerfile(\.dockerignore)?)|schemas\/[\w-]+\.json|workflows\/[\w-]+\.yaml)$/
      assert.deepStrictEqual(paths.filter((path) => !allowed.test(path)), [])
      assert.strictEqual((files.find(({ path }) => path === "dist/bin.js")?.mode ?? 0) & 0o111, 0o111)
    }))

  test("runs as a command that carries all it needs, effect too", () =>
    Effect.gen(function*() {
      const { directory } = yield* unpack(false)
      const package_ = join(directory, "package")
      const command = yield* start([join(package_, "dist/bin.js"), "run", join(package_, "workflows/hello.yaml")], { directory })
      const ran = yield* command.ended
      assert.strictEqual(ran.code, 0, ran.stderr)
      const lists = yield* start([join(package_, "dist/bin.js"), "list"], { directory })
      assert.match((yield* lists.ended).stdout, /hello/)
    }))

  test("runs as a library beside effect", () =>
    Effect.gen(function*() {
      const { directory } = yield* unpacked
      const script = `
        import * as Telemachy from "telemachy"
        import schema from "telemachy/schemas/workflow-v1.json" with { type: "json" }
        import { guard } from "telemachy/Heartbeat"
        import { layer, RunsClient, ServerError } from "telemachy/client"
        import * as Effect from "effect/Effect"
        const spec = Telemachy.WorkflowSpec.decode({
          metadata: { name: "package" },
          agents: [{ name: "a", program: "none" }],
          teams: [{ name: "t", agents: ["a"], tasks: [{ subject: "s", description: "d", assign_to: "a" }] }]
        })
        if (guard !== Telemachy.Heartbeat.guard) throw new Error("a module is there twice")
        if ([layer, RunsClient, ServerError].some((each) => each === undefined)) throw new Error("the client is not whole")
        const closed = await import("telemachy/Transport").then(() => "open", ({ code }) => code)
        console.log(closed)
        console.log(Object.keys(Telemachy).sort().join(" "), schema.$id, (await Effect.runPromise(spec)).metadata.name)
      `
      const library = yield* start([process.execPath, "--no-warnings", "--input-type=module", "-e", script], { directory })
      const imported = yield* library.ended
      assert.strictEqual(imported.code, 0, imported.stderr)
      assert.match(imported.stdout, /^ERR_PACKAGE_PATH_NOT_EXPORTED\n.*\bWorkflowExecutor\b.* urn:telemachy:schema:workflow-v1 package\n$/)
    }))

  test("brings with a module what that uses, and no more", () =>
    Effect.gen(function*() {
      const { directory } = yield* unpacked
      const entry = join(directory, "application.js")
      writeFileSync(entry, "import { guard } from \"telemachy/Heartbeat\"; globalThis.guard = guard")
      const bundle = yield* Effect.promise(() =>
        build({ entryPoints: [entry], bundle: true, write: false, format: "esm", platform: "node", external: ["effect", "effect/*"] }))
      assert.deepStrictEqual(bundle.warnings, [])
      assert.isBelow(bundle.outputFiles[0]?.contents.length ?? Infinity, 40 * 1024)
    }))

  test("has a heartbeat that runs where there is no Node", () =>
    Effect.gen(function*() {
      const { directory } = yield* unpacked
      const entry = join(directory, "application.js")
      const program = `
        import { guard } from "telemachy/Heartbeat"
        import * as Effect from "effect/Effect"
        const guarded = guard(Effect.never, { probe: Effect.never, interval: "1 millis", timeout: "20 millis" })
        globalThis.ended = Effect.runPromise(Effect.map(Effect.flip(guarded), (error) => error._tag))
      `
      writeFileSync(entry, program)
      for (const platform of ["browser", "neutral"] as const) {
        const bundle = yield* Effect.promise(() =>
          build({ entryPoints: [entry], bundle: true, write: false, format: "iife", platform, mainFields: ["module", "main"] }))
        assert.deepStrictEqual(bundle.warnings, [], platform)
        const timers = { setTimeout, clearTimeout, setInterval, clearInterval, queueMicrotask, performance }
        const world = createContext({ ...timers, TextEncoder, TextDecoder, URL, AbortController, AbortSignal })
        runInContext(bundle.outputFiles[0]?.text ?? "", world)
        assert.strictEqual(yield* Effect.promise(() => Promise.resolve(world["ended"])), "ConnectivityError", platform)
      }
    }))

  test("has a type for every value, whichever way an application finds modules", () =>
    Effect.gen(function*() {
      const { directory } = yield* unpacked
      const names = "import * as T from \"telemachy\"; console.log(JSON.stringify(Object.entries(T).map(([m, e]) => [m, Object.keys(e)])))"
      const asked = yield* start([process.execPath, "--input-type=module", "-e", names], { directory })
      const { code, stderr, stdout } = yield* asked.ended
      assert.strictEqual(code, 0, stderr)
      const modules: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = JSON.parse(stdout)
      const values = modules.flatMap(([module, names]) =>
        names.filter((name) => !internal.has(`${module}.${name}`)).map((name) => [module, name] as const))
      assert.isAbove(values.length, 80)
      writeFileSync(join(directory, "package.json"), JSON.stringify({ type: "module" }))
      writeFileSync(join(directory, "application.ts"), application(values))
      for (const [moduleResolution, module] of Object.entries(resolutions)) {
        // The types of the libraries are the same however they were found: they are checked once.
        const skipLibCheck = moduleResolution !== "nodenext" && !Sweep.isFull
        const compilerOptions = { ...strict, skipLibCheck, module, moduleResolution, outDir: moduleResolution }
        writeFileSync(join(directory, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["application.ts"] }))
        const compiler = yield* start([process.execPath, join(root, "node_modules/typescript/bin/tsc")], { directory })
        const compiled = yield* compiler.ended
        assert.strictEqual(compiled.stdout, "", moduleResolution)
        const application = yield* start([process.execPath, join(moduleResolution, "application.js")], { directory })
        const ran = yield* application.ended
        assert.strictEqual(ran.stderr, "", moduleResolution)
      }
    }))

  test("submits and drives runs by the Sharding of an application, which has the types of that", () =>
    Effect.gen(function*() {
      const { directory } = yield* unpacked
      writeFileSync(join(directory, "package.json"), JSON.stringify({ type: "module" }))
      writeFileSync(join(directory, "clustered.ts"), clustered)
      const compilerOptions = { ...strict, skipLibCheck: true, module: "NodeNext", moduleResolution: "NodeNext" }
      writeFileSync(join(directory, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["clustered.ts"] }))
      const compiler = yield* start([process.execPath, join(root, "node_modules/typescript/bin/tsc")], { directory })
      assert.strictEqual((yield* compiler.ended).stdout, "")
      const application = yield* start([process.execPath, "clustered.js"], { directory })
      const { code, stderr, stdout } = yield* application.ended
      assert.strictEqual(code, 0, stderr)
      assert.match(stdout, /^run [0-9a-f]{16} is completed$/m)
    }))

  test("has types that lead to the source", () =>
    Effect.gen(function*() {
      const { directory, files } = yield* unpacked
      const types = files.map(({ path }) => path).filter((path) => path.endsWith(".d.ts"))
      const paths = new Set(files.map(({ path }) => path))
      for (const path of types) {
        const map: { readonly sources: ReadonlyArray<string> } = JSON.parse(readFileSync(join(directory, "package", `${path}.map`), "utf8"))
        for (const source of map.sources) assert.isTrue(paths.has(join(path, "..", source)), `${path} leads to ${source}`)
      }
    }))
})
