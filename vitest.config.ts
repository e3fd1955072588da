import { defineConfig } from "vitest/config"

export default defineConfig({
  resolve: { alias: { telemachy: new URL("./src/index.ts", import.meta.url).pathname } },
  test: { include: ["test/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 120_000, globalSetup: "test/integration/build.ts" }
})
