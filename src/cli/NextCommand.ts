/** The command line that a person is told to type next. */

/** A word as a shell takes it for itself. */
export const forShell = (word: string): string => {
  const argument = word.startsWith("-") ? `./${word}` : word
  return /^[\w./:=@%+,-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`
}

/** Removes what a recorded run has left. */
export const cleanup = ({ run }: { readonly run: string }): string => `telemachy cleanup ${run}`

/** Takes a recorded run to its end. */
export const resume = ({ run }: { readonly run: string }): string => `telemachy resume ${run}`

/** Removes what runs of a workflow file have left on an Agamemnon, recorded or not. */
export const teardown = (file: string, url: string): string =>
  `telemachy teardown ${file === "-" ? "FILE" : forShell(file)} --url ${forShell(url)}`
