/** Three agents, each of which goes on from what the one before it has answered. */
import { forProgram, heading, type Pattern, scalar } from "./Pattern.ts"

const name = "plan-implement-review"

export const pattern: Pattern = {
  name,
  sentence: "one plans, one implements, one reviews; what they answer flows on",
  text: (choice) => `${
    heading({ name }, choice, [
      "One agent plans, one implements the plan, one reviews that, and what the review finds is mended.",
      "What a task answers by name (`outputs`) is read by those after it, and decides whether they run (`if`)."
    ])
  }
metadata:
  name: ${scalar(choice.workflow)}
  description: "Plans, implements and reviews: \${{ inputs.goal }}"

# What a run can be given: telemachy run ${choice.file} --input goal="..."
inputs:
  goal:
    description: What is to be done
    default: Say hello in three languages

agents:
  - &agent
    name: architect
    program: ${choice.program}
    # Beside this file. All three work on the same files.
    working_dir: .
  - <<: *agent
    name: coder
  - <<: *agent
    name: reviewer

# What holds for every task that does not say otherwise.
defaults:
  timeout: 30m

teams:
  - name: core
    agents: [architect, coder, reviewer]
    tasks:
      - id: plan
        subject: Plan
        description: |
          ${
    forProgram(choice.program, 10, {
      sh: `
# What a program answers by name goes into the file that TELEMACHY_OUTPUT names.
echo 'steps=["write it in English", "write it in Greek", "write it in Latin"]' >> "$TELEMACHY_OUTPUT"
echo 'summary=Three greetings' >> "$TELEMACHY_OUTPUT"
echo "planned three steps"
`,
      "claude-code": `
Read the project, and plan how to do this: \${{ inputs.goal }}
Change nothing. Answer with the steps, one sentence each, in the order in which
they are to be done, and with a summary in one sentence.
`
    })
  }
        assign_to: architect
        outputs:
          steps: list
          summary: string

      - id: implement
        subject: Implement
        description: |
          ${
    forProgram(choice.program, 10, {
      sh: `
# What was planned is in the file that TELEMACHY_CONTEXT names. In the text of this script it would be run.
node -e '
  const fs = require("fs")
  const { tasks } = JSON.parse(fs.readFileSync(process.env.TELEMACHY_CONTEXT, "utf8"))
  for (const step of tasks.plan.outputs.steps) console.log("done: " + step)
  fs.appendFileSync(process.env.TELEMACHY_OUTPUT, "done=" + tasks.plan.outputs.steps.length)
'
`,
      "claude-code": `
Implement this plan: \${{ tasks.plan.outputs.summary }}
The steps: \${{ join(tasks.plan.outputs.steps, '; ') }}
Run the tests of the project before you are done. Answer with the number of
steps that are done.
`
    })
  }
        assign_to: coder
        blocked_by: [plan]
        retry: 1
        outputs:
          done: number

      - id: review
        subject: Review
        description: |
          ${
    forProgram(choice.program, 10, {
      sh: `
# A line for each output; any can as well be written as one object of JSON.
echo '{"approved": true, "remarks": "Nothing to mend."}' > "$TELEMACHY_OUTPUT"
echo "approved"
`,
      "claude-code": `
Review what was changed for this goal: \${{ inputs.goal }}
The plan was: \${{ tasks.plan.outputs.summary }} (\${{ tasks.implement.outputs.done }} steps are done.)
Look for wrong results, missing tests and what the plan asks for and is not there.
Change nothing. Answer whether you approve it, and with your remarks.
`
    })
  }
        assign_to: reviewer
        blocked_by: [implement]
        outputs:
          approved: boolean
          remarks: string

      - subject: Mend
        description: |
          ${
    forProgram(choice.program, 10, {
      sh: `
echo "nothing was approved: mending"
`,
      "claude-code": `
Mend what the review of your change has found: \${{ tasks.review.outputs.remarks }}
Run the tests of the project before you are done.
`
    })
  }
        assign_to: coder
        blocked_by: [review]
        # Skipped when the review has approved it, which is no failure.
        if: \${{ !tasks.review.outputs.approved }}

# What the run has made is removed however it ends.
teardown: always
timeout: 2h
`
}
