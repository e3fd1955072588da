/** Brings the generated parts of the pages up to date: `npm run readme`. */
import { readFileSync, writeFileSync } from "node:fs"
import * as Reference from "./Reference.ts"

for (const [page, parts] of Object.entries(Reference.pages)) {
  writeFileSync(page, Reference.fill(readFileSync(page, "utf8"), parts))
}
