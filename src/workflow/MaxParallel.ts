/** How many tasks may be under way at once. */
import * as Schema from "effect/Schema"
import * as SchemaProblems from "./SchemaProblems.ts"

const most = 10_000

/** Schema of a number of tasks. */
export const MaxParallel = Schema.Number.pipe(
  Schema.filter((tasks) => Number.isSafeInteger(tasks) && tasks >= 1 && tasks <= most, {
    jsonSchema: { minimum: 1, maximum: most, multipleOf: 1 },
    arbitrary: () => (fc) => fc.integer({ min: 1, max: most }),
    ...SchemaProblems.expects(`a whole number from 1 to ${most}`)
  })
)
