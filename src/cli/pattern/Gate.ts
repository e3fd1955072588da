/** A person decides in the middle: what was prepared is published only when somebody has approved it. */
import { forProgram, heading, type Pattern, scalar } from "./Pattern.ts"

const name = "gate"

export const pattern: Pattern = {
  name,
  sentence: "prepares a release, asks a person, and publishes when it is approved",
  text: (choice) => `${
    heading({ name }, choice, [
      "A release is prepared, a person is asked, and it is published when that is approved.",
      "The run waits for the answer, which anybody who reaches its record gives from any terminal:",
      "",
      "  telemachy approve latest --comment \"looks good\"",
      "  telemachy reject latest release --redo prepare --comment \"the notes are missing\"",
      "",
      "While there is nothing else to do it is parked (exit code 7): agents cost money. The answer with --resume goes on."
    ])
  }
metadata:
  name: ${scalar(choice.workflow)}
  description: Releases version \${{ inputs.version }}.

# What a run can be given: telemachy run ${choice.file} --input version=1.2.0
inputs:
  version:
    description: Version to release
    default: 0.1.0

agents:
  - name: releaser
    program: ${choice.program}
    # Beside this file.
    working_dir: .${choice.program === "sh" ? environment : ""}

teams:
  - name: release
    agents: [releaser]
    tasks:
      - id: prepare
        subject: Prepare
        description: |
          ${
    forProgram(choice.program, 10, {
      sh: `
echo "notes=Version $VERSION, with everything since the last one" >> "$TELEMACHY_OUTPUT"
echo "prepared $VERSION"
`,
      "claude-code": `
Prepare the release of version \${{ inputs.version }}: write its entry in CHANGELOG.md
from the commits since the last tag, and run the tests of the project. Publish
nothing. Answer with the notes in at most five sentences.
`
    })
  }
        assign_to: releaser
        timeout: 30m
        outputs:
          notes: string

      # Nobody of the team does this: a person is asked.
      - id: release
        subject: Release?
        approve: "Publish \${{ inputs.version }}? \${{ tasks.prepare.outputs.notes }}"
        blocked_by: [prepare]
        # Then it counts as rejected, and the run fails.
        timeout: 24h

      - subject: Publish
        description: |
          ${
    forProgram(choice.program, 10, {
      sh: `
# What publishes goes here.
echo "published $VERSION"
`,
      "claude-code": `
Version \${{ inputs.version }} was approved: tag the last commit, and push the tag. What
was said: \${{ tasks.release.comment }}
`
    })
  }
        assign_to: releaser
        blocked_by: [release]
        timeout: 30m

# What the run has made is removed however it ends.
teardown: always
# A person needs time: the gate has a limit of its own, and the run a longer one.
timeout: 2d
`
}

const environment = `
    # A value in the text of a script would be run as a part of it: it comes as a variable.
    env:
      VERSION: \${{ inputs.version }}`
