// Says how large the command and the package are, and fails when one has grown past its limit.
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { gzipSync } from "node:zlib"

const limits = { command: 2.6, package: 3.2, packed: 0.9 }

const filesIn = (directory) =>
  readdirSync(directory, { recursive: true }).map((name) => join(directory, name)).filter((path) => statSync(path).isFile())

const megabytes = (paths, sizeOf = (path) => statSync(path).size) =>
  paths.reduce((sum, path) => sum + sizeOf(path), 0) / 1024 / 1024

const dist = filesIn("dist")
const published = [...dist, ...filesIn("schemas"), ...filesIn("workflows"), "README.md", "CHANGELOG.md", "LICENSE", "package.json"]
const sizes = {
  command: megabytes(dist.filter((path) => path.endsWith(".js") && !path.includes("lib"))),
  package: megabytes(published),
  packed: megabytes(published, (path) => gzipSync(readFileSync(path)).length)
}

for (const [name, size] of Object.entries(sizes)) {
  process.stdout.write(`size of the ${name}: ${size.toFixed(2)} MB of at most ${limits[name]} MB\n`)
  if (size > limits[name]) process.exitCode = 1
}
