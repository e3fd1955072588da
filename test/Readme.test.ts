import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import manifest from "../package.json" with { type: "json" }
import * as Reference from "../scripts/Reference.ts"

const readme = readFileSync("README.md", "utf8")
const reasons = readFileSync("docs/dependencies.md", "utf8")

describe("README and docs", () => {
  it.each(Object.entries(Reference.pages))("%s has every generated part, up to date (npm run readme)", (page, parts) => {
    const text = readFileSync(page, "utf8")
    for (const name of Object.keys(parts)) assert.include(text, `<!-- begin ${name} -->`)
    assert.strictEqual(text, Reference.fill(text, parts))
  })

  it("has links that lead to files", () => {
    const pages = ["README.md", "CONTRIBUTING.md", ...readdirSync("docs", { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".md")).map((name) => join("docs", name))]
    const broken = pages.flatMap((page) =>
      [...readFileSync(page, "utf8").matchAll(/\]\((?!https?:|#)([^)#]+)/g)].flatMap(([, link = ""]) =>
        existsSync(join(dirname(page), link)) ? [] : [`${page}: ${link}`]))
    assert.deepStrictEqual(broken, [])
  })

  it("has a reference whose headings and links within the page fit", () => {
    const page = readFileSync("docs/workflow.md", "utf8")
    const anchorOf = (title: string) => title.toLowerCase().replaceAll(/[^\w\- ]/g, "").replaceAll(" ", "-")
    const headings = [...page.matchAll(/^##+ (.*)$/gm)].map(([, title = ""]) => anchorOf(title))
    assert.strictEqual(new Set(headings).size, headings.length)
    const links = [...page.matchAll(/\]\(#(.*?)\)/g)].map(([, anchor]) => anchor)
    assert.isAbove(links.length, 50)
    assert.deepStrictEqual(links.filter((anchor = "") => !headings.includes(anchor)), [])
  })

  it("describes every event", () => {
    assert.isTrue(Reference.everyEvent.every(({ meaning, tag }) => tag !== "" && meaning !== ""))
  })

  it("gives a reason for each dependency", () => {
    const sources = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts")).map((name) => readFileSync(join("src", name), "utf8"))
    const imported = Object.keys(manifest.devDependencies).filter((name) => sources.some((source) => source.includes(` from "${name}/`) || source.includes(` from "${name}"`)))
    assert.isAbove(imported.length, 10)
    for (const name of [...Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }), ...imported]) {
      assert.include(reasons, `| \`${name}\` |`)
    }
  })

  it("can be read at once", () => {
    assert.isBelow(readme.split("\n").length, 200)
  })

  it("names the two commands on its first screen", () => {
    const screen = readme.split("\n").slice(0, 60).join("\n")
    assert.include(screen, "npm ci && npm start")
    assert.include(screen, "npm ci && npm test")
  })
})
