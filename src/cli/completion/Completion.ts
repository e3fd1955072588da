/** The script that a shell reads to complete command lines. */
import type { Definition } from "../Help.ts"
import * as BashCompletion from "./BashCompletion.ts"
import * as CompletionWords from "./CompletionWords.ts"
import * as FishCompletion from "./FishCompletion.ts"
import * as ZshCompletion from "./ZshCompletion.ts"

/** A shell that there is a script for. */
export type Shell = (typeof CompletionWords.shells)[number]

const renderers: Record<Shell, (words: CompletionWords.CompletionWords) => string> = {
  bash: BashCompletion.render,
  sh: BashCompletion.render,
  zsh: ZshCompletion.render,
  fish: FishCompletion.render
}

/** Renders the script of a shell. */
export const render = (shell: Shell, definitions: Readonly<Record<string, Definition>>): string =>
  renderers[shell](CompletionWords.make(definitions))
