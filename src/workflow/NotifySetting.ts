/**
 * The destinations of notifications of all runs, as a setting has them: an address, or a list as in a workflow file, in YAML or
 * JSON. An address may be a secret, so that no message repeats what the setting holds.
 */
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as NotifyAddress from "../settings/NotifyAddress.ts"
import * as Settings from "../settings/Settings.ts"
import * as NotifyDestination from "./NotifyDestination.ts"
import * as NotifyProblems from "./NotifyProblems.ts"
import * as SchemaProblems from "./SchemaProblems.ts"
import * as WorkflowProblem from "./WorkflowProblem.ts"
import * as YamlTree from "./YamlTree.ts"

/** The longest text. */
const maxLength = 65_536

const decode = ParseResult.decodeUnknownEither(Schema.Struct({ notify: NotifyDestination.NotifyDestinations }), { errors: "all", onExcessProperty: "error" })

const inWords = ({ expected, found, path }: WorkflowProblem.Finding): string => {
  const place = WorkflowProblem.renderPath(path)
  // What is quoted may be an address.
  return `${place.replace(/^notify/, "") || "the list"}: found ${found.startsWith('"') ? "another text" : found}, expected ${expected}`
}

/** Reads the destinations of a text, or says in a sentence what is wrong with it, without repeating it. */
export const parse = (text: string): Either.Either<ReadonlyArray<NotifyDestination.NotifyDestination>, string> => {
  if (text.length > maxLength) return Either.left(`expected at most ${maxLength} characters, found ${text.length}`)
  if (/^https?:\/\/\S*$/i.test(text)) {
    return Either.mapBoth(NotifyAddress.parse(text, { allowHttp: false }), {
      onLeft: ({ expected, found }) => `expected ${expected}, found ${found}`,
      onRight: () => [NotifyDestination.NotifyDestination.make({ url: text, format: "json" })]
    })
  }
  const tree = YamlTree.read(text)
  if (Either.isLeft(tree) || tree.right.repeatedKeys.problems.length > 0) {
    return Either.left(`expected ${Settings.notify.range}, found a text that is no YAML of that kind`)
  }
  const notify = tree.right.value
  if (!Array.isArray(notify)) return Either.left(`expected ${Settings.notify.range}, found another text`)
  const decoded = decode({ notify })
  const findings = [...(Either.isLeft(decoded) ? SchemaProblems.findings(decoded.left) : []), ...NotifyProblems.findings({ notify })]
  const [first] = findings
  if (first !== undefined) return Either.left(inWords(first))
  return Either.mapBoth(decoded, { onLeft: () => `expected ${Settings.notify.range}`, onRight: (read) => read.notify })
}

/** The destinations that the setting names; none where it is not set. */
export const config: Config.Config<ReadonlyArray<NotifyDestination.NotifyDestination>> = Config.mapOrFail(
  Settings.notify.config,
  Option.match({
    onNone: () => Either.right([]),
    onSome: (text) =>
      Either.mapLeft(parse(Redacted.value(text)), (problem) => ConfigError.InvalidData([Settings.notify.name], problem))
  })
)
