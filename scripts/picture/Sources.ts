/** What the recorded picture of the demonstration is made from, so that it can be seen when that is another. */
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"

/** Where the picture is. */
export const picture = "docs/picture.svg"

/** The workflow, the programs that stand in for its agents, and what draws. */
export const sources = ["workflows/apart.yaml", "scripts/picture/claude", "scripts/picture/record.ts", "scripts/picture/Screen.ts", "scripts/picture/Svg.ts"] as const

/** The digest of all of that. */
export const digest = (): string => {
  const hash = createHash("sha256")
  for (const path of sources) hash.update(`${path}\0`).update(readFileSync(path)).update("\0")
  return hash.digest("hex").slice(0, 16)
}
