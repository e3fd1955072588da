// The rooms of src, the lowest first. A room uses those before it, and none after it: docs/architecture.md.
const rooms = ["settings", "workflow", "liveness", "run", "agamemnon", "executor", ["embedded", "store"], ["report", "telemetry"], "notify", "cluster", "server", "page", "drill", "cli"].map(
  (room) => [room].flat()
)

const src = (names) => `^src/(${names.join("|")})/`

const order = rooms.flatMap((names, level) => {
  const higher = rooms.slice(level + 1).flat()
  const rules = higher.length === 0 ? [] : [{ names, forbidden: higher }]
  // Rooms of one level do not know each other.
  return [...rules, ...names.filter(() => names.length > 1).map((name) => ({
    names: [name],
    forbidden: names.filter((other) => other !== name)
  }))]
})

/** @type {import("dependency-cruiser").IConfiguration} */
export default {
  forbidden: [
    ...order.map(({ forbidden, names }) => ({
      name: `${names.join("-and-")}-knows-nothing-above-it`,
      severity: "error",
      from: { path: src(names) },
      to: { path: src(forbidden) }
    })),
    {
      name: "what-remembers-and-tells-of-runs-needs-no-engine",
      severity: "error",
      from: { path: src(["embedded", "store", "report", "telemetry"]) },
      to: { path: src(["executor"]) }
    },
    { name: "no-circle-of-modules", severity: "error", from: {}, to: { circular: true } },
    { name: "no-circle-of-folders", severity: "error", scope: "folder", from: {}, to: { circular: true } },
    { name: "every-module-is-used", severity: "error", from: { orphan: true, path: "^src/", pathNot: "^src/bin\\.ts$" }, to: {} },
    {
      name: "the-page-is-a-program-of-its-own",
      severity: "error",
      from: { path: "^src/", pathNot: src(["page"]) },
      to: { path: src(["page"]) }
    },
    {
      name: "src-imports-no-test",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^(test|bench|scripts|examples)/" }
    }
  ],
  options: {
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" }
  }
}
