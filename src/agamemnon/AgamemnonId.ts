/**
 * The ids of agents, teams and tasks are texts that a server has made: what can
 * be one, and how it is written in a path.
 */
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"

const longest = 256

/**
 * Whether a text can be an id: a segment of a path that names one thing and is
 * shown as it is. A slash would lead elsewhere, as `.` and `..` do; what is not
 * printable would show something else; and `<redacted>` stands for the key.
 */
export const isPossible = (text: string): boolean =>
  text.length <= longest && /^[^\p{C}\p{Z}/\\<>]+$/u.test(text) && !/^\.{1,2}$/.test(text)

/**
 * An id as a segment of a path. Who serves the path has it decoded already, so
 * that only a client encodes.
 */
export const inPath = <A extends string>(id: Schema.Schema<A, string>) =>
  Schema.transformOrFail(Schema.String, Schema.typeSchema(id), {
    strict: true,
    decode: (text) => ParseResult.decode(id)(text),
    encode: (text, _, ast) =>
      isPossible(text)
        ? ParseResult.succeed(encodeURIComponent(text))
        : ParseResult.fail(new ParseResult.Type(ast, text, `this can not be an id: ${JSON.stringify(text)}`))
  })
