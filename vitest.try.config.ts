import { defineConfig } from "vitest/config"
export default defineConfig({
  resolve: { alias: { telemachy: new URL("./src/index.ts", import.meta.url).pathname } },
  test: { include: ["test/**/*.test.ts"], exclude: ["test/integration/**/*.test.ts", "test/**/*.process.test.ts"], pool: "forks", maxWorkers: "100%", minWorkers: 1, testTimeout: 60000, poolOptions: { forks: { isolate: false } } }
})
