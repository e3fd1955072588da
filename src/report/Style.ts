/** How text is painted: with colors where they are wanted, and as it is where not. */
import * as Ansi from "@effect/printer-ansi/Ansi"

/** Paints text by what it says. */
export interface Style {
  readonly strong: (text: string) => string
  readonly faint: (text: string) => string
  readonly good: (text: string) => string
  readonly bad: (text: string) => string
  readonly doubtful: (text: string) => string
  readonly active: (text: string) => string
}

const reset = "\u001b[0m"

const painted = (ansi: Ansi.Ansi) => (text: string): string => (text === "" ? "" : `${Ansi.stringify(ansi)}${text}${reset}`)

const unpainted = (text: string): string => text

/** Text with colors. */
export const colored: Style = {
  strong: painted(Ansi.bold),
  faint: painted(Ansi.blackBright),
  good: painted(Ansi.green),
  bad: painted(Ansi.red),
  doubtful: painted(Ansi.yellow),
  active: painted(Ansi.cyan)
}

/** Text without a single control character. */
export const plain: Style = {
  strong: unpainted,
  faint: unpainted,
  good: unpainted,
  bad: unpainted,
  doubtful: unpainted,
  active: unpainted
}

const hues = [Ansi.cyan, Ansi.magenta, Ansi.blue, Ansi.green, Ansi.yellow, Ansi.cyanBright, Ansi.magentaBright, Ansi.blueBright].map(painted)

/** Paints the things of one kind, told apart by their position, where a style has colors. They mean nothing else. */
export const hueOf = (style: Style, position: number): (text: string) => string =>
  style === plain ? unpainted : hues[position % hues.length] ?? unpainted
