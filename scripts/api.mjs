// Writes the API reference of the library into docs/api, and fails where a link in a docstring leads nowhere.
import { readFileSync } from "node:fs"
import { Application, TSConfigReader } from "typedoc"

const { exports, version } = JSON.parse(readFileSync("package.json", "utf8"))

const entryPoints = Object.values(exports).flatMap(({ types }) =>
  types === undefined || types.endsWith("/index.d.ts") ? [] : [types.replace("./dist/lib/", "src/").replace(/\.d\.ts$/, ".ts")])

const app = await Application.bootstrapWithPlugins({
  name: `Telemachy ${version}`,
  entryPoints,
  tsconfig: "tsconfig.json",
  plugin: ["typedoc-plugin-markdown"],
  out: "docs/api",
  readme: "none",
  excludeInternal: true,
  excludeExternals: true,
  excludePrivate: true,
  disableSources: true,
  hideBreadcrumbs: true,
  // One page a module, as it is imported.
  router: "module",
  sort: ["source-order"],
  validation: { notExported: false, invalidLink: true, notDocumented: false, rewrittenLink: false },
  treatValidationWarningsAsErrors: true,
  logLevel: "Warn"
}, [new TSConfigReader()])

const project = await app.convert()
if (project === undefined) process.exit(1)
app.validate(project)
await app.generateOutputs(project)
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exit(1)
