/** A strict reader of XML, as far as reports use it: it throws at whatever is not well formed. */
export interface Element {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: ReadonlyArray<Element>
  readonly text: string
}

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: "\"", apos: "'" }

const decode = (text: string): string =>
  text.replaceAll(/&([^;]*);?/g, (whole, name: string) => {
    const sign = whole.endsWith(";") ? entities[name] : undefined
    if (sign === undefined) throw new Error(`not an entity: ${whole}`)
    return sign
  })

/** Reads a document, and answers its root. */
export const parse = (document: string): Element => {
  if (/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.test(document)) throw new Error("a character that XML has not")
  const prolog = /^<\?xml version="1\.0" encoding="UTF-8"\?>\s*/.exec(document)?.[0]
  if (prolog === undefined) throw new Error("no prolog")
  let at = prolog.length
  const take = (pattern: RegExp): RegExpExecArray => {
    const sticky = new RegExp(pattern.source, "uy")
    sticky.lastIndex = at
    const found = sticky.exec(document)
    if (found === null) throw new Error(`expected ${pattern.source} at ${document.slice(at, at + 40)}`)
    at = sticky.lastIndex
    return found
  }
  const element = (): Element => {
    const [, name = "", given = "", closed = ""] = take(/<([a-z-]+)((?: [a-z]+="[^"<]*")*)(\/?)>/)
    const attributes: Record<string, string> = {}
    for (const [, key = "", value = ""] of given.matchAll(/ ([a-z]+)="([^"]*)"/g)) {
      if (key in attributes) throw new Error(`${key} twice`)
      attributes[key] = decode(value)
    }
    const children: Array<Element> = []
    let text = ""
    if (closed === "") {
      while (!document.startsWith("</", at)) {
        if (document[at] === "<") children.push(element())
        else {
          const [raw] = take(/[^<]+/)
          if (raw.includes("]]>")) throw new Error("]]> in a text")
          text += decode(raw)
        }
      }
      take(new RegExp(`</${name}>`))
    }
    return { name, attributes, children, text }
  }
  const root = element()
  if (document.slice(at).trim() !== "") throw new Error(`after the root: ${document.slice(at)}`)
  return root
}
