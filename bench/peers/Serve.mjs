/**
 * What the programs of the peers have in common: each is asked on standard input
 * for a shape of a workflow and its number of tasks, and answers with the
 * milliseconds that it took.
 */
import { createInterface } from "node:readline"

/** Says that it is ready, and runs what it is asked for until nothing more is asked. */
export const serve = async (run) => {
  process.stdout.write("ready\n")
  for await (const line of createInterface({ input: process.stdin })) {
    const { count, shape } = JSON.parse(line)
    const begin = performance.now()
    await run(shape, count)
    process.stdout.write(`took ${performance.now() - begin}\n`)
  }
}

/** Runs a first task, and then all others beside each other, or one after the other. */
export const shaped = async (shape, count, task, all = Promise.all.bind(Promise)) => {
  if (shape === "chain") {
    for (let number = 0; number < count; number++) await task(number)
    return
  }
  await task(0)
  await all(Array.from({ length: count - 1 }, (_, number) => task(number + 1)))
}
