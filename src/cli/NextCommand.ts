/** The command line that a person is told to type next. */
import * as BudgetUse from "../run/BudgetUse.ts"
import * as RunProgress from "../run/RunProgress.ts"
import * as RunState from "../run/RunState.ts"

/** A word as a shell takes it for itself. */
export const forShell = (word: string): string => {
  const argument = word.startsWith("-") ? `./${word}` : word
  return /^[\w./:=@%+,-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`
}

/** Removes what a recorded run has left. */
export const cleanup = ({ run }: { readonly run: string }): string => `telemachy cleanup ${run}`

/** Takes a recorded run to its end. */
export const resume = ({ run }: { readonly run: string }): string => `telemachy resume ${run}`

/** Takes a recorded run to its end whose workflow file has changed. */
export const resumeChanged = (run: string, { retryFailed = false }: { readonly retryFailed?: boolean | undefined }): string =>
  `${resume({ run })} --accept-changes${retryFailed ? " --retry-failed" : ""}`

/** Takes a recorded run to its end, as far as it has got; nothing when it is there. */
export const resumption = (state: RunState.RunState): string | undefined => {
  if (state.outcome === "waiting") return `${approve(state)} --resume`
  if (state.outcome === "completed" && state.endedAt !== undefined) return undefined
  const retryFailed = !RunProgress.canProceed(state, RunProgress.declaredTeams(state))
  if (isBudgetUsedUp(state)) return resumeChanged(state.run, { retryFailed })
  return retryFailed ? `${resume(state)} --retry-failed` : resume(state)
}

/** Whether a run has ended because its budget is used up, and not that of the day, so that it takes a larger one to go on. */
const isBudgetUsedUp = (state: RunState.RunState): boolean =>
  state.outcome === "over_budget" && BudgetUse.of(state.budget ?? {}, RunState.spent(state, state.endedAt ?? state.toldAt)).some(BudgetUse.isUsedUp)

/** Tells how to go on with a run. */
export const howToGoOn = (state: RunState.RunState, command: string): string =>
  `go on with it${isBudgetUsedUp(state) ? ", with a larger budget in its file" : ""}: ${command}`

/** Tells of a recorded run what has happened in it, with the results of its tasks. */
export const logs = ({ run }: { readonly run: string }): string => `telemachy logs ${run} -v`

/** Approves what a recorded run asks. */
export const approve = (state: RunState.RunState): string => {
  const [gate, ...others] = RunState.openGates(state)
  const name = gate === undefined || others.length === 0 ? "" : ` ${forShell(gate.ref ?? gate.subject)}`
  return `telemachy approve ${state.run}${name}`
}

/** What there is to do about a recorded run that is over. */
export const afterRun = (state: RunState.RunState): ReadonlyArray<string> => {
  if (state.outcome === "waiting") return [`run ${state.run}; answer, and go on with it: ${approve(state)} --resume, or telemachy reject ${state.run}`]
  const further = resumption(state)
  return [`run ${state.run}; ${further === undefined ? `what its tasks wrote: ${logs(state)}` : howToGoOn(state, further)}`]
}

/** Removes what runs of a workflow file have left on an Agamemnon, recorded or not. */
export const teardown = (file: string, url: string): string =>
  `telemachy teardown ${file === "-" ? "FILE" : forShell(file)} --url ${forShell(url)}`
