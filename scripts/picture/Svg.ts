/** Draws screens of a terminal, one after the other, as one picture that moves by itself and is readable on light and dark pages. */
import type * as Screen from "./Screen.ts"

/** A screen, and for how many seconds it is shown. */
export interface Frame {
  readonly screen: Screen.Screen
  readonly seconds: number
}

/** What a picture is made with. */
export interface Options {
  readonly title: string
  readonly columns: number
  /** What the picture was made from, for whoever finds out whether it is out of date. */
  readonly digest: string
}

const [cellWidth, lineHeight, fontSize, margin, bar] = [7.8, 18, 13, 16, 28]

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")

const rounded = (value: number): string => String(Math.round(value * 100) / 100)

/** Parts of a line that look alike. Spaces that nobody sees are left out. */
const partsOf = (cells: Screen.Screen[number]): ReadonlyArray<{ readonly text: string; readonly column: number } & Screen.Look> => {
  const parts: Array<{ text: string; column: number } & Screen.Look> = []
  for (const [column, { bold, color, text }] of cells.entries()) {
    const last = parts.at(-1)
    if (last !== undefined && last.color === color && last.bold === bold) last.text += text
    else parts.push({ text, column, color, bold })
  }
  return parts.flatMap((part) => {
    const text = part.text.trim()
    return text === "" ? [] : [{ ...part, text, column: part.column + part.text.indexOf(text) }]
  })
}

/** A line: each part says how wide it is, so that it is where it belongs in every font. */
const lineOf = (cells: Screen.Screen[number], row: number): string =>
  partsOf(cells).map(({ bold, color, column, text }) => {
    const classes = [...(color === "plain" ? [] : [color]), ...(bold ? ["bold"] : [])].join(" ")
    const place = `x="${rounded(margin + column * cellWidth)}" y="${bar + margin + row * lineHeight}"`
    return `<text ${place}${classes === "" ? "" : ` class="${classes}"`} textLength="${rounded([...text].length * cellWidth)}">${escaped(text)}</text>`
  }).join("")

/** When each frame is seen: from its beginning to that of the next one, in parts of the whole. */
const keyframes = (frames: ReadonlyArray<Frame>): ReadonlyArray<string> => {
  const whole = frames.reduce((sum, { seconds }) => sum + seconds, 0)
  const percent = (seconds: number) => `${rounded(100 * seconds / whole)}%`
  let from = 0
  return frames.map(({ seconds }, index) => {
    const [start, end] = [from, from += seconds]
    const hidden = start === 0 ? "" : "0%{visibility:hidden}"
    const gone = index === frames.length - 1 ? "" : `${percent(end)}{visibility:hidden}`
    return `@keyframes f${index}{${hidden}${percent(start)}{visibility:visible}${gone}}` +
      `#f${index}{animation:f${index} ${rounded(whole)}s step-end infinite}`
  })
}

const light = { back: "#ffffff", bar: "#eaeef2", edge: "#d0d7de", plain: "#24292f", faint: "#6e7781", red: "#cf222e", green: "#116329", yellow: "#7d4e00", blue: "#0550ae", magenta: "#8250df", cyan: "#0b6b75" }

const dark: typeof light = { back: "#0d1117", bar: "#161b22", edge: "#30363d", plain: "#e6edf3", faint: "#8b949e", red: "#ff7b72", green: "#56d364", yellow: "#e3b341", blue: "#79c0ff", magenta: "#d2a8ff", cyan: "#56d4dd" }

const paints = (theme: typeof light): string =>
  [
    `.back{fill:${theme.back};stroke:${theme.edge}}`,
    `.bar{fill:${theme.bar};stroke:${theme.edge}}`,
    `text{fill:${theme.plain}}`,
    ...(["faint", "red", "green", "yellow", "blue", "magenta", "cyan"] as const).map((name) => `.${name}{fill:${theme[name]}}`)
  ].join("")

/** Draws frames. Who wants nothing to move sees the last one. */
export const render = (frames: ReadonlyArray<Frame>, { columns, digest, title }: Options): string => {
  const rows = Math.max(...frames.map(({ screen }) => screen.length))
  const width = rounded(columns * cellWidth + 2 * margin)
  const height = bar + margin + rows * lineHeight + margin / 2
  const last = frames.length - 1
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" data-digest="${digest}">
<title>${escaped(title)}</title>
<style>
text{font:${fontSize}px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre}
.bold{font-weight:bold}
.title{text-anchor:middle}
.frame{visibility:hidden}
${paints(light)}
@media (prefers-color-scheme:dark){${paints(dark)}}
@media (prefers-reduced-motion:no-preference){${keyframes(frames).join("\n")}}
@media (prefers-reduced-motion:reduce){#f${last}{visibility:visible}}
</style>
<rect class="back" x="0.5" y="0.5" width="${rounded(Number(width) - 1)}" height="${height - 1}" rx="8"/>
<path class="bar" d="M0.5 ${bar}V8.5a8 8 0 0 1 8 -8H${rounded(Number(width) - 8.5)}a8 8 0 0 1 8 8V${bar}Z"/>
<text class="faint title" x="${rounded(Number(width) / 2)}" y="19">${escaped(title)}</text>
${frames.map(({ screen }, index) => `<g class="frame" id="f${index}">\n${screen.map(lineOf).filter((line) => line !== "").join("\n")}\n</g>`).join("\n")}
</svg>
`
}
