// Builds the page into dist/page: one script, one style and an icon, each with a name that changes with what is in it, and
// the document that loads them. It asks for nothing from anywhere else, and has nothing of Node in it.
import { createHash } from "node:crypto"
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { build } from "esbuild"

const source = "src/page"
const target = "dist/page"

/** What is imported from Node has to be for parts that the page does not use, and goes with them. */
const withoutNode = {
  name: "without-node",
  setup: ({ onResolve }) => {
    onResolve({ filter: /^node:/ }, ({ path }) => ({ path, external: true, sideEffects: false }))
  }
}

const { outputFiles } = await build({
  entryPoints: { page: `${source}/main.tsx`, style: `${source}/page.css` },
  outdir: target,
  bundle: true,
  write: false,
  format: "esm",
  platform: "browser",
  target: "es2022",
  minify: true,
  jsx: "automatic",
  define: { "process.env.NODE_ENV": JSON.stringify("production") },
  legalComments: "none",
  plugins: [withoutNode],
  logLevel: "warning"
})

const outputOf = (ending) => {
  const found = outputFiles.find(({ path }) => path.endsWith(ending))
  if (found === undefined) throw new Error(`the page has no ${ending}`)
  return Buffer.from(found.contents)
}

const files = { script: [outputOf(".js"), "js"], style: [outputOf(".css"), "css"], icon: [readFileSync(`${source}/icon.svg`), "svg"] }

const [node] = /\b(?:from|import)\s*"node:[^"]+"/.exec(files.script[0].toString()) ?? []
if (node !== undefined) throw new Error(`the page would need Node: ${node}`)

rmSync(target, { recursive: true, force: true })
mkdirSync(target, { recursive: true })
let document = readFileSync(`${source}/index.html`, "utf8")
for (const [name, [contents, ending]] of Object.entries(files)) {
  const file = `${name}-${createHash("sha256").update(contents).digest("hex").slice(0, 12)}.${ending}`
  writeFileSync(`${target}/${file}`, contents)
  if (!document.includes(name.toUpperCase())) throw new Error(`the document does not load the ${name}`)
  document = document.replace(name.toUpperCase(), file)
}
writeFileSync(`${target}/index.html`, document)
process.stdout.write(`page: ${Math.round(files.script[0].length / 1024)} KiB of script, ${Math.round(files.style[0].length / 1024)} KiB of style\n`)
