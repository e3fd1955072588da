/** Brings the generated parts of the README up to date: `npm run readme`. */
import { readFileSync, writeFileSync } from "node:fs"
import * as Reference from "./Reference.ts"

writeFileSync("README.md", Reference.fill(readFileSync("README.md", "utf8")))
