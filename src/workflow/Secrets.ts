/**
 * The environment of programs: the names of the secrets that a workflow needs,
 * and the variables of its agents, in which alone secrets can be read.
 */
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { itemsAt } from "./RawValue.ts"
import * as SchemaProblems from "./SchemaProblems.ts"
import { type Finding, quote } from "./WorkflowProblem.ts"
import { Text } from "./WorkflowText.ts"

const variable = /^[A-Za-z_][A-Za-z0-9_]*$/
const variableInWords = "letters, digits and _, which begins with a letter or _"

const SecretName = Schema.String.pipe(
  Schema.filter((name) => variable.test(name), {
    jsonSchema: { pattern: variable.source },
    arbitrary: () => (fc) => fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,16}$/),
    ...SchemaProblems.expects("the name of a variable", `the name of a variable: ${variableInWords}`)
  })
)

/** Schema of the secrets of a workflow, by the names of the variables that hold them. */
export const Secrets = Schema.Array(SecretName).annotations(SchemaProblems.expects("a list of names of variables"))

/** Schema of the variables of an agent, by name. */
export const Environment = Schema.Record({ key: Schema.String, value: Text }).annotations({
  ...SchemaProblems.expects("a map of variables, each a text")
})
export interface Environment extends Schema.Schema.Type<typeof Environment> {}

/** Schema of the value of a variable: the system takes no other. */
export const EnvironmentValue = Text.pipe(
  Schema.filter((value) => !value.includes("\0"), { ...SchemaProblems.expects("text", "text without the character NUL") })
)

/** Lists the secrets that a workflow declares. It takes what is wrong as well, for those who say what is wrong. */
export const declared = (workflow: unknown): ReadonlyArray<string> => itemsAt(workflow, "secrets").filter(Predicate.isString)

/** What a workflow says of secrets, and those that it uses. */
interface Declaring {
  readonly secrets?: ReadonlyArray<string>
  readonly files?: Readonly<Record<string, { readonly secrets?: ReadonlyArray<string> }>>
}

/** Lists the secrets that a run of a workflow needs, with those of the files that it uses. */
export const needed = ({ files = {}, secrets = [] }: Declaring): ReadonlyArray<string> =>
  [...new Set([...secrets, ...Object.values(files).flatMap((file) => file.secrets ?? [])])]

/** Finds every mistake in the secrets and the variables of a workflow that its schema does not see. */
export const findings = (workflow: unknown): ReadonlyArray<Finding> => [
  ...repeated(declared(workflow)),
  ...itemsAt(workflow, "agents").flatMap((agent, index) => {
    const env = Predicate.isRecord(agent) ? agent["env"] : undefined
    return Predicate.isRecord(env)
      ? Object.entries(env).flatMap(([name, value]) => [...wrongName(index, name), ...wrongValue(index, name, value)])
      : []
  })
]

/** Letter case counts for variables, and not for what an expression names. */
const repeated = (names: ReadonlyArray<string>): ReadonlyArray<Finding> => {
  const seen = new Map<string, string>()
  return names.flatMap((name, position): ReadonlyArray<Finding> => {
    const before = seen.get(name.toLowerCase())
    seen.set(name.toLowerCase(), name)
    if (before === undefined) return []
    const found = before === name ? `${quote(name)} a second time` : quote(name)
    const expected = before === name ? "each secret once" : `a name of its own: ${before} is the same one in an expression`
    return [{ path: ["secrets", position], found, expected }]
  })
}

const own = /^TELEMACHY_/i

const wrongName = (index: number, name: string): ReadonlyArray<Finding> => {
  const finding = (expected: string): Finding => ({ path: ["agents", index, "env", name], atKey: true, found: `the name ${quote(name)}`, expected })
  if (!variable.test(name)) return [finding(`the name of a variable: ${variableInWords}`)]
  return own.test(name) ? [finding("another name: variables that begin with TELEMACHY_ are set by Telemachy")] : []
}

const wrongValue = (index: number, name: string, value: unknown): ReadonlyArray<Finding> =>
  typeof value === "string" && value.includes("\0")
    ? [{ path: ["agents", index, "env", name], found: "text with the character NUL", expected: "text without it" }]
    : []
