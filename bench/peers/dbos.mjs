/** DBOS on PostgreSQL: a workflow whose tasks are steps in its own process. */
import { DBOS } from "@dbos-inc/dbos-sdk"
import { serve, shaped } from "./Serve.mjs"

const [url] = process.argv.slice(2)

const workflow = DBOS.registerWorkflow(
  (shape, count) => shaped(shape, count, (number) => DBOS.runStep(async () => "done", { name: `task ${number}` })),
  { name: "bench" }
)

const ignore = () => {}

DBOS.setConfig({
  name: "bench",
  systemDatabaseUrl: url,
  runAdminServer: false,
  logger: { info: ignore, debug: ignore, warn: ignore, error: (words) => process.stderr.write(`${words}\n`) }
})
await DBOS.launch()
await serve((shape, count) => workflow(shape, count))
await DBOS.shutdown()
