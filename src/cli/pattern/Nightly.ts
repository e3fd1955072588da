/** A workflow for a schedule: nobody watches it, so that it tells what happened, and ends by itself. */
import { forProgram, heading, type Pattern, scalar } from "./Pattern.ts"

const name = "nightly"

export const pattern: Pattern = {
  name,
  sentence: "runs on a schedule, reports what changed, and says when a check fails",
  text: (choice) => `${
    heading({ name }, choice, [
      "A check for every night. When something has changed it is reported, and when the check fails that is said.",
      "Begin it at 02:00 by one of these, in the directory of this file:",
      "",
      `  cron            0 2 * * *  cd /path/to/it && telemachy run ${choice.file} --yes --summary nightly.md`,
      "  systemd         a service with this command, and a timer with OnCalendar=*-*-* 02:00:00",
      "  GitHub Actions  on: {schedule: [{cron: \"0 2 * * *\"}]}, and a step with this command",
      "",
      "A night that begins while the one before it is still at work is refused. The exit code is 0 when the run has",
      "completed; `telemachy list` shows every night, and `telemachy logs latest --verbose` what its tasks wrote."
    ])
  }
metadata:
  name: ${scalar(choice.workflow)}
  description: Looks every night at what has changed.

agents:
  - name: watchman
    program: ${choice.program}
    # Beside this file.
    working_dir: .

# Nobody is there to try again: a task that fails gets a second attempt after a minute.
defaults:
  timeout: 20m
  retry:
    times: 1
    wait: 1m

teams:
  - name: night
    agents: [watchman]
    tasks:
      - id: check
        subject: Check
        description: |
          ${
    forProgram(choice.program, 10, {
      sh: `
# How many files beside this one have changed since yesterday.
changed=$(find . -maxdepth 1 -type f -mtime -1 | wc -l)
echo "changed=$changed" >> "$TELEMACHY_OUTPUT"
echo "files that have changed: $changed"
`,
      "claude-code": `
Look at what was committed in this repository in the last 24 hours, and run the
tests of the project. Change nothing. Answer with the number of commits, and with
what you found, in at most ten sentences.
`
    })
  }
        assign_to: watchman
        outputs:
          changed: number${choice.program === "sh" ? "" : "\n          findings: string"}

      - subject: Report
        description: |
          ${
    forProgram(choice.program, 10, {
      sh: `
echo "changed in the last day:"
find . -maxdepth 1 -type f -mtime -1
`,
      "claude-code": `
Write nightly-report.md: what changed in the last 24 hours, for people who read it
in the morning. What was found: \${{ tasks.check.outputs.findings }}
`
    })
  }
        assign_to: watchman
        blocked_by: [check]
        # A night without changes has nothing to report. That is no failure.
        if: \${{ tasks.check.outputs.changed > 0 }}

      - subject: Say that it failed
        description: |
          ${
    forProgram(choice.program, 10, {
      sh: `
# Send a message from here. The run ends as failed nonetheless.
echo "the check of tonight has failed"
`,
      "claude-code": `
The check of tonight has failed. Find out why, change nothing, and write what is
to be done to nightly-failure.md.
`
    })
  }
        assign_to: watchman
        blocked_by: [check]
        if: failure()

# What the run has made is removed however it ends, before anybody looks.
teardown: always
timeout: 1h
`
}
