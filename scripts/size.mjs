// Says how large the command and the package are, and fails when one has grown past its limit.
import { execFileSync } from "node:child_process"
import { readdirSync, statSync } from "node:fs"

const limits = { command: 2.15, package: 6.6, packed: 1.85 }

const bytes = (paths) => paths.reduce((sum, path) => sum + statSync(path).size, 0)

const [packed] = JSON.parse(execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { encoding: "utf8" }))
const sizes = {
  command: bytes(readdirSync("dist").filter((name) => /\.c?js$/.test(name)).map((name) => `dist/${name}`)),
  package: packed.unpackedSize,
  packed: packed.size
}

for (const [name, size] of Object.entries(sizes)) {
  const megabytes = size / 1024 / 1024
  process.stdout.write(`size of the ${name}: ${megabytes.toFixed(2)} MB of at most ${limits[name]} MB\n`)
  if (megabytes > limits[name]) process.exitCode = 1
}
