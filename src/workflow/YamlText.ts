/** Writes values as the YAML of a workflow file: texts of several lines as blocks, and lists of short values in one line. */
import { Document, isScalar, visit } from "yaml"

const isShort = (node: unknown): boolean => isScalar(node) && !(typeof node.value === "string" && node.value.includes("\n"))

/** Writes a value. What is read back from the text is the same one. */
export const write = (value: unknown): string => {
  const document = new Document(value, { aliasDuplicateObjects: false })
  visit(document, {
    Seq: (_, list) => {
      if (list.items.every(isShort)) list.flow = true
    }
  })
  return document.toString({ lineWidth: 0, flowCollectionPadding: false })
}
