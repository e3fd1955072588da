/** The smallest workflow: one agent, one task, and an input. */
import { forProgram, heading, type Pattern, scalar } from "./Pattern.ts"

const name = "one-agent"

export const pattern: Pattern = {
  name,
  sentence: "one agent that does one task: the smallest workflow",
  text: (choice) => `${
    heading({ name }, choice, [
      "One agent that does one task: the smallest workflow."
    ])
  }
metadata:
  name: ${scalar(choice.workflow)}
  description: Tells what is in a directory.

# What a run can be given: telemachy run ${choice.file} --input directory=/etc
inputs:
  directory:
    description: Directory to look into
    default: .

agents:
  - name: worker
    program: ${choice.program}
    # Beside this file. An absolute path is one too.
    working_dir: .${choice.program === "sh" ? environment : ""}

teams:
  - name: desk
    agents: [worker]
    tasks:
      - subject: Look around
        description: |
          ${
    forProgram(choice.program, 10, {
      sh: `
echo "$DIRECTORY has $(ls "$DIRECTORY" | wc -l) entries"
ls "$DIRECTORY" | head -n 5
`,
      "claude-code": `
Look at the files in the directory \${{ inputs.directory }}, and tell in at most
five sentences what they are for. Change nothing.
`
    })
  }
        assign_to: worker
        # The limit of each attempt, and how many may follow the first.
        timeout: 10m
        retry: 1

# What the run has made is removed however it ends.
teardown: always
timeout: 30m
`
}

const environment = `
    # A value in the text of a script would be run as a part of it: it comes as a variable.
    env:
      DIRECTORY: \${{ inputs.directory }}`
