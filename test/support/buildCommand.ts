import { execFileSync } from "node:child_process"

/** Builds the command once, so that the tests spawn what a user would run. */
export const setup = (): void => {
  execFileSync(process.execPath, ["scripts/rebuild.mjs"], { stdio: ["ignore", "ignore", "inherit"] })
}
