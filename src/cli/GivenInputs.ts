/** The inputs that a workflow is given: by flags, and by a person who is asked for those that are missing. */
import * as Prompt from "@effect/cli/Prompt"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { oneLine } from "../report/Format.ts"
import * as Inputs from "../workflow/Inputs.ts"
import * as WorkflowFile from "../workflow/WorkflowFile.ts"
import { describe, invalid } from "../workflow/WorkflowProblem.ts"
import type { WorkflowSpec } from "../workflow/WorkflowSpec.ts"
import * as YamlTree from "../workflow/YamlTree.ts"

/** What the flags say. */
export interface Flags {
  readonly input: ReadonlyArray<string>
  readonly inputs: Option.Option<string>
}

/** The flags say nothing of an input. */
export class InputFlagError extends Schema.TaggedError<InputFlagError>()("InputFlagError", {
  problems: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return this.problems.join("\n")
  }
}

/**
 * Reads what the flags give. A text is read by the type of its input; what is none of it stays a text, and is refused with
 * all else that is wrong.
 */
export const read = Effect.fn("GivenInputs.read")(function*({ inputs }: WorkflowSpec, flags: Flags) {
  const file = Option.isSome(flags.inputs) ? yield* readFile(flags.inputs.value) : {}
  const known = new Map(Inputs.declared(inputs).map((input) => [input.name, input]))
  const [nameless, named] = [flags.input.filter((each) => !/^[^=]+=/.test(each)), flags.input.filter((each) => /^[^=]+=/.test(each))]
  if (nameless.length > 0) {
    return yield* new InputFlagError({ problems: nameless.map((each) => `--input: expected NAME=VALUE, found ${oneLine(each)}`) })
  }
  const texts = named.map((each): readonly [string, Inputs.InputValue] => {
    const name = each.slice(0, each.indexOf("="))
    const text = each.slice(name.length + 1)
    const input = known.get(name)
    return [name, input === undefined ? text : Inputs.fromText(input, text)]
  })
  return { ...file, ...Object.fromEntries(texts) }
})

/** Reads a map of inputs. JSON is YAML. */
const readFile = Effect.fn("GivenInputs.readFile")(function*(path: string) {
  const tree = YamlTree.read(WorkflowFile.withoutMark(yield* WorkflowFile.read(path)))
  if (Either.isLeft(tree)) return yield* invalid(path, tree.left)
  const { repeatedKeys, value } = tree.right
  if (repeatedKeys.problems.length > 0) return yield* invalid(path, repeatedKeys)
  if (Predicate.isRecord(value) && !Array.isArray(value)) return value
  return yield* new InputFlagError({ problems: [`${oneLine(path)}: found ${describe(value)}, expected a map of inputs`] })
})

/** Asks for what is required and missing. */
export const ask = Effect.fn("GivenInputs.ask")(
  function*({ inputs }: WorkflowSpec, given: Readonly<Record<string, unknown>>) {
    const missing = Inputs.declared(inputs).filter(({ name, required }) => required && given[name] === undefined)
    const answers = yield* Effect.forEach(missing, (input) => Effect.map(question(input), (answer) => [input.name, answer] as const))
    return { ...given, ...Object.fromEntries(answers) }
  },
  Effect.catchTag("QuitException", () => Effect.interrupt)
)

const question = (input: Inputs.Input): Prompt.Prompt<Inputs.InputValue> => {
  const { description, name, options, type } = input
  const message = oneLine(description === undefined ? name : `${name} (${description})`)
  if (options !== undefined && type !== "list") {
    return Prompt.select({ message, choices: options.map((value) => ({ title: oneLine(String(value)), value })) })
  }
  if (type === "boolean") return Prompt.confirm({ message })
  return Prompt.text({
    message: type === "list" ? `${message}, with commas between` : message,
    validate: (text) => {
      const problem = Inputs.problemOf(input, Inputs.fromText(input, text))
      if (text.trim() === "") return Effect.fail(`expected ${Inputs.words[type]}`)
      return problem === undefined ? Effect.succeed(text) : Effect.fail(`expected ${problem.expected}`)
    }
  }).pipe(Prompt.map((text) => Inputs.fromText(input, text)))
}
