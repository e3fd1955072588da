/**
 * The texts of a workflow, with what limits them. Limits count UTF-8 bytes,
 * because that is what Agamemnon counts. Of a text with expressions, they count
 * when these are evaluated.
 */
import * as Schema from "effect/Schema"
import * as Template from "./expression/Template.ts"
import * as SchemaProblems from "./SchemaProblems.ts"

const utf8 = new TextEncoder()

/** A lone surrogate has no UTF-8 form: Agamemnon refuses it. Made once, and not for each text. */
const loneSurrogate = /\p{Surrogate}/u

/** A text that can be sent. */
export const Text = Schema.String.pipe(
  Schema.filter((text) => !loneSurrogate.test(text), {
    jsonSchema: {},
    ...SchemaProblems.expects("text", "text that has a UTF-8 form")
  })
)

/** How many bytes Agamemnon takes of what a workflow says, and so of what becomes a part of that. */
export const maxBytes = { name: 256, program: 1024, subject: 512, description: 4096, question: 2048, comment: 2048, system: 2048, argument: 4096 } as const

/** No character has more than three bytes for each of its UTF-16 units, and most texts are short. */
const fits = (text: string, bytes: number): boolean =>
  text.length * 3 <= bytes || (text.length <= bytes && utf8.encode(text).length <= bytes)

/** A text of limited size. */
export const textOfAtMost = (bytes: number) =>
  Text.pipe(
    Schema.filter((text) => fits(text, bytes), {
      jsonSchema: { maxLength: bytes },
      ...SchemaProblems.expects("text", `text of at most ${bytes} bytes`)
    })
  )

/** A text of limited size, which can have expressions. */
export const templateOfAtMost = (bytes: number) =>
  Text.pipe(
    Schema.filter((text) => Template.isTemplate(text) || fits(text, bytes), {
      jsonSchema: { allOf: [{ anyOf: [{ maxLength: bytes }, { pattern: "\\$\\{\\{" }] }] },
      ...SchemaProblems.expects("text", `text of at most ${bytes} bytes`)
    })
  )

/** A text that is more than spaces. */
export const nonBlank = <A extends string, I, R>(text: Schema.Schema<A, I, R>) =>
  text.pipe(
    Schema.filter((text) => text.trim() !== "", {
      jsonSchema: { pattern: "\\S" },
      ...SchemaProblems.expects("text", "text that is not empty")
    })
  )

export const NonBlank = nonBlank(Text)

/** The name of a model. The program would take what begins with a hyphen for one of its flags. */
export const Model = Text.pipe(
  Schema.filter((model) => !model.startsWith("-"), {
    jsonSchema: { pattern: "^(?!-)" },
    arbitrary: () => (fc) => fc.string({ unit: "grapheme-ascii" }).filter((model) => !model.startsWith("-")),
    ...SchemaProblems.expects("text", "the name of a model, which does not begin with -")
  })
)
