// Builds the command and the library, unless they are of the sources as they are. A build takes the processor for some
// twenty seconds, and each of the test commands begins with one.
import { execFileSync } from "node:child_process"
import { isBuilt } from "./built.mjs"

if (!isBuilt("dist/bin.js", "dist/program.cjs", "dist/lib/index.js", "dist/lib/index.d.ts", "dist/page/index.html")) {
  execFileSync("npm", ["run", "build", "--silent"], { stdio: ["ignore", "ignore", "inherit"] })
}
