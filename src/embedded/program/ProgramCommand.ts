/** The arguments of a program for one task, made of the words of its adapter. */
import type { ProgramAdapter } from "./ProgramAdapter.ts"

/** What they are made of. */
export interface Given {
  readonly prompt: string
  /** The path of a file that has the prompt, where one is asked for. */
  readonly promptFile: string
  /** The arguments of the agent. */
  readonly args: ReadonlyArray<string>
  readonly model: string | undefined
  readonly session: { readonly name: string; readonly isNew: boolean } | undefined
}

/** What a program is started with. */
export interface ProgramCommand {
  readonly args: ReadonlyArray<string>
  /** What it reads on standard input. */
  readonly input: string
}

/** Whether a program reads its prompt from a file. */
export const readsFile = ({ command }: ProgramAdapter): boolean => command.some((word) => word.includes("{prompt_file}"))

const filled = (words: ReadonlyArray<string>, placeholder: string, value: string): ReadonlyArray<string> =>
  words.map((word) => word.replaceAll(placeholder, () => value))

/** How a program is told to begin a session, or to go on with one. */
const sessionOf = ({ session: ways }: ProgramAdapter, session: Given["session"]): ReadonlyArray<string> => {
  if (ways === undefined) return []
  if (session === undefined) return ways.fresh
  return session.isNew ? filled(ways.begin ?? ways.fresh, "{session}", session.name) : filled(ways.resume, "{session}", session.name)
}

/** A prompt that is an argument of its own: one that begins with a hyphen would be taken for a flag. */
const asArgument = (prompt: string): string => (prompt.startsWith("-") ? `\n${prompt}` : prompt)

/** Makes the arguments. What begins a list of placeholders is replaced by all of its words, or left out with it. */
export const make = (adapter: ProgramAdapter, { args, model, prompt, promptFile, session }: Given): ProgramCommand => {
  const own = [...adapter.args, ...args, ...(adapter.model === undefined || model === undefined ? [] : filled(adapter.model, "{model}", model))]
  const lists: Readonly<Record<string, ReadonlyArray<string>>> = { "{args}": own, "{session}": sessionOf(adapter, session) }
  const words = adapter.command.slice(1)
  const behind = Object.entries(lists).flatMap(([placeholder, list]) => (words.includes(placeholder) ? [] : list))
  const isArgument = words.some((word) => word.includes("{prompt}"))
  return {
    args: [...words, ...behind.map((word) => ({ word }))].flatMap((each) => {
      // What the agent says is taken as it is.
      if (typeof each !== "string") return [each.word]
      const list = Object.hasOwn(lists, each) ? lists[each] : undefined
      return list ?? [each === "{prompt}" ? asArgument(prompt) : each.replaceAll("{prompt_file}", () => promptFile).replaceAll("{prompt}", () => prompt)]
    }),
    input: isArgument || readsFile(adapter) ? "" : prompt
  }
}

/** What the arguments of an agent say, as a workflow sends them: the model is at their end. */
export const split = (programArgs: ReadonlyArray<string>): Pick<Given, "args" | "model"> =>
  programArgs.at(-2) === "--model"
    ? { args: programArgs.slice(0, -2), model: programArgs.at(-1) }
    : { args: programArgs, model: undefined }
