/** How many columns of a terminal a text takes. */
import { stripVTControlCharacters } from "node:util"
import stringWidth from "string-width"

/**
 * Characters that take one column each and change none beside them: of Latin, Greek, Cyrillic, punctuation, arrows, lines,
 * and the signs of this program. To measure others takes patterns and a segmenter, which take 20 ms to make.
 */
const simple = /^[\u0020-\u007e\u00a1-\u00ac\u00ae-\u02ff\u0391-\u03a1\u03a3-\u0481\u2010-\u2027\u2190-\u21ff\u2500-\u257f\u25a0-\u25fc\u2714\u2716\u2718]*$/

/** Measures a text. What changes its colors takes no column. */
export const of = (text: string): number => {
  const plain = stripVTControlCharacters(text)
  return simple.test(plain) ? plain.length : stringWidth(text)
}
