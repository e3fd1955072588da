import { availableParallelism } from "node:os"
import { defineConfig } from "vitest/config"
import { BaseSequencer, type TestSpecification } from "vitest/node"

const timeouts = { testTimeout: 300_000, hookTimeout: 300_000 }

/** How many suites that start no process are run at once: nearly half of the time of each is waiting. */
const threads = Math.ceil(availableParallelism() * 1.5)

/** Tests of several hosts, which take a network of their own: `npm run test:hosts` has one. */
const hosts = ["test/hosts/**/*.test.ts"]

/** Tests that start processes or servers of their own, or take long because they count in real time. */
const processes = ["test/integration/**/*.test.ts", "test/**/*.process.test.ts"]

/** Tests that take minutes of computing: what is killed, frozen and filled everywhere, and the package as it is installed. */
const thorough = ["test/thorough/**/*.test.ts"]

/** Tests in a browser, which is Chromium as Debian has it: `npm run test:page`. */
const browser = ["test/browser/**/*.test.ts"]

/** Suites that take longest, most of it waiting. By their size, which is what counts otherwise, some would be the last. */
const longest = ["Migrations", "PostgresClient", "WorkflowLimits", "SuspendedOwner", "Many", "KilledCommand", "KilledFeatures", "Drill", "ManyProcesses", "ResumeAtEveryPoint", "RecordOutages", "Package", "Workspaces", "Init"]

/** Begins with what takes longest: at the end, nothing else would be done meanwhile. */
class LongestFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    const isLong = ({ moduleId }: TestSpecification) => longest.some((name) => moduleId.includes(`/${name}.`))
    // oxlint-disable-next-line unicorn/no-array-sort -- no array, but the method of the class
    const sorted = await super.sort(files)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}

export default defineConfig({
  resolve: { alias: {
      "telemachy/cluster": new URL("./src/cluster/Cluster.ts", import.meta.url).pathname,
      telemachy: new URL("./src/index.ts", import.meta.url).pathname
    } },
  test: {
    // Much of a run is waiting for processes and sockets: by default one core of two would stand still. No worker ends before the
    // others: vitest 3.2 takes one that has nothing left to do for one that failed when it ends.
    minWorkers: "100%",
    maxWorkers: "100%",
    // Most of the time of a small test is loading: modules are loaded once a worker, and shared by its suites. `it.layer` of
    // @effect/vitest 0.30 must not be used with that: it changes `it` for every suite after it.
    sequence: { sequencer: LongestFirst },
    poolOptions: { threads: { isolate: false, minThreads: threads, maxThreads: threads }, forks: { isolate: false } },
    projects: [
      {
        extends: true,
        // Before the others: a virtual clock waits in real time for its turn at each step, which is long beside as many commands.
        test: {
          name: "unit",
          pool: "threads",
          include: ["test/**/*.test.ts"],
          exclude: [...processes, ...thorough, ...hosts, ...browser],
          sequence: { groupOrder: 0 },
          ...timeouts
        }
      },
      {
        extends: true,
        // In each of as many workers as there are cores: with more commands at once none ends earlier, and some too late.
        test: { name: "process", include: processes, globalSetup: "test/support/buildCommand.ts", maxConcurrency: 2, sequence: { groupOrder: 1 }, ...timeouts }
      },
      {
        extends: true,
        test: { name: "thorough", include: thorough, globalSetup: "test/support/buildCommand.ts", maxConcurrency: 2, sequence: { groupOrder: 2 }, ...timeouts }
      },
      {
        extends: true,
        test: { name: "page", include: browser, globalSetup: "test/support/buildCommand.ts", maxConcurrency: 2, sequence: { groupOrder: 3 }, ...timeouts }
      },
      {
        extends: true,
        // One worker, which numbers the hosts. Most of what it does is waiting.
        test: { name: "hosts", include: hosts, globalSetup: "test/support/buildCommand.ts", maxConcurrency: 2, poolOptions: { forks: { singleFork: true, isolate: false } }, ...timeouts }
      }
    ]
  }
})
