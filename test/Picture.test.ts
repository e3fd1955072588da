import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Screen from "../scripts/picture/Screen.ts"
import * as Sources from "../scripts/picture/Sources.ts"
import * as Svg from "../scripts/picture/Svg.ts"

const escape = String.fromCodePoint(27)

const screenOf = (...written: ReadonlyArray<string>) => {
  const screen = Screen.make()
  written.forEach(screen.write)
  return screen.look()
}

describe("the picture of the demonstration", () => {
  const picture = readFileSync(Sources.picture, "utf8")

  it("was made from the workflow and the stand-ins that there are, and of this program (npm run picture)", () => {
    assert.strictEqual(/ data-digest="(\w+)"/.exec(picture)?.[1], Sources.digest(), "run npm run picture, and look at docs/picture.svg")
  })

  it("leads the README, with words for who does not see it, is small, and shows nothing of the machine that made it", () => {
    const readme = readFileSync("README.md", "utf8")
    assert.match(readme, /!\[[^\]]{80,}\]\(docs\/picture\.svg\)/)
    assert.isBelow(readme.indexOf("docs/picture.svg"), readme.indexOf("```"))
    assert.isBelow(picture.length, 200_000)
    assert.notMatch(picture, /\/tmp\/|\/home\/|\/root\/|<script|https?:\/\/(?!www\.w3\.org|127\.0\.0\.1:40961)/)
    for (const said of ["Write the code", "Write the tests", "Review both", "Merge both", "waits for an answer", "approved by me", "kept: branch telemachy/"]) {
      assert.include(picture, said)
    }
    assert.include(picture, "prefers-color-scheme:dark")
    assert.include(picture, "prefers-reduced-motion:reduce")
  })
})

describe("the screen of a terminal", () => {
  it("is what was written over, erased and painted", () => {
    const screen = screenOf(`one\r\ntwo\r\n${escape}[2A${escape}[1m`, `O${escape}[0m\r\n`, `${escape}[KTWO${escape}[32m!${escape}[0m`, `\r\nthree\r\n${escape}[1A${escape}[J`)
    assert.deepStrictEqual(screen.map(Screen.textOf), ["One", "TWO!"])
    assert.deepInclude(screen[0]?.[0], { bold: true, color: "plain" })
    assert.deepInclude(screen[1]?.[3], { bold: false, color: "green" })
  })

  it("is drawn line by line, each part in its place and color, and text is no markup", () => {
    const svg = Svg.render([{ screen: screenOf(`a  ${escape}[31m<b> & c${escape}[0m`), seconds: 2 }, { screen: screenOf("end"), seconds: 3 }], { title: "t", columns: 20, digest: "d" })
    assert.include(svg, `<text x="16" y="44" textLength="7.8">a</text><text x="39.4" y="44" class="red" textLength="54.6">&lt;b&gt; &amp; c</text>`)
    assert.include(svg, "@keyframes f0{0%{visibility:visible}40%{visibility:hidden}}#f0{animation:f0 5s step-end infinite}")
    assert.include(svg, "@keyframes f1{0%{visibility:hidden}40%{visibility:visible}}#f1{animation:f1 5s step-end infinite}")
  })
})
