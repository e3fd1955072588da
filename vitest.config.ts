import { defineConfig } from "vitest/config"

export default defineConfig({
  resolve: { alias: { telemachy: new URL("./src/index.ts", import.meta.url).pathname } },
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    globalSetup: "test/support/buildCommand.ts",
    // Much of a run is waiting for processes and sockets: by default one core of two would stand still.
    minWorkers: 1,
    maxWorkers: "100%"
  }
})
