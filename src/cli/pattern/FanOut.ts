/** The same work for each of several files, at the same time, and what comes of all of it together. */
import { forProgram, heading, type Pattern, scalar } from "./Pattern.ts"

const name = "fan-out"

export const pattern: Pattern = {
  name,
  sentence: "lists files, works on each at the same time, and sums up",
  text: (choice) => `${
    heading({ name }, choice, [
      "One task lists files, one instance of the next works on each of them, and the last sums up what came of all.",
      "How many there are is known when the list is there: `matrix` reads it."
    ])
  }
metadata:
  name: ${scalar(choice.workflow)}
  description: Works on each file of a directory.

# What a run can be given: telemachy run ${choice.file} --input directory=src
inputs:
  directory:
    description: Directory whose files are worked on
    default: .

agents:
  - &agent
    name: lister
    program: ${choice.program}
    # Beside this file.
    working_dir: .${choice.program === "sh" ? environment : ""}
  - <<: *agent
    name: worker-1
  - <<: *agent
    name: worker-2

defaults:
  timeout: 20m

teams:
  - name: files
    agents: [lister, worker-1, worker-2]
    tasks:
      - id: list
        subject: List the files
        description: |
          ${
    forProgram(choice.program, 10, {
      sh: `
# At most 20 files, as a list of JSON.
node -e '
  const fs = require("fs"), at = process.env.DIRECTORY
  const files = fs.readdirSync(at, { withFileTypes: true }).filter((each) => each.isFile() && !each.name.startsWith("."))
  fs.writeFileSync(process.env.TELEMACHY_OUTPUT, JSON.stringify({ files: files.slice(0, 20).map(({ name }) => name) }))
'
`,
      "claude-code": `
List the source files in the directory \${{ inputs.directory }} that have no test.
Change nothing. Answer with at most 20 of them.
`
    })
  }
        assign_to: lister
        outputs:
          files: list

      - id: work
        subject: Work on \${{ matrix.file }}
        matrix:
          file: \${{ tasks.list.outputs.files }}
        # No more than this at the same time, whatever the list has.
        max_parallel: 2
        description: |
          ${
    forProgram(choice.program, 10, {
      sh: `
# Which file it is, is in the file that TELEMACHY_CONTEXT names. In the text of this script it would be run.
node -e '
  const fs = require("fs"), path = require("path")
  const { matrix } = JSON.parse(fs.readFileSync(process.env.TELEMACHY_CONTEXT, "utf8"))
  const { size } = fs.statSync(path.join(process.env.DIRECTORY, matrix.file))
  console.log(matrix.file + " has " + size + " bytes")
  fs.writeFileSync(process.env.TELEMACHY_OUTPUT, JSON.stringify({ told: matrix.file + ": " + size }))
'
`,
      "claude-code": `
Write a test for the file \${{ matrix.file }} in \${{ inputs.directory }}, and change
nothing else. Run it. Answer with what it found, in one sentence.
`
    })
  }
        # Whoever is free.
        assign_to: [worker-1, worker-2]
        blocked_by: [list]
        retry: 1
        # One file that fails does not keep the others from being summed up.
        continue_on_error: true
        outputs:
          told: string

      - subject: Sum up
        description: |
          ${
    forProgram(choice.program, 10, {
      sh: `
node -e '
  const { tasks } = JSON.parse(require("fs").readFileSync(process.env.TELEMACHY_CONTEXT, "utf8"))
  const done = tasks.work.filter(({ status }) => status === "completed")
  for (const { outputs } of done) console.log(outputs.told)
  console.log("done: " + done.length + " of " + tasks.work.length)
'
`,
      "claude-code": `
Write fan-out-report.md of what was found: \${{ join(tasks.work.*.outputs.told, '; ') }}
How the work on each file has ended: \${{ join(tasks.work.*.status, ', ') }}
`
    })
  }
        assign_to: lister
        # It waits for every instance.
        blocked_by: [work]

# What the run has made is removed however it ends.
teardown: always
timeout: 2h
`
}

const environment = `
    # A value in the text of a script would be run as a part of it: it comes as a variable.
    env:
      DIRECTORY: \${{ inputs.directory }}`
