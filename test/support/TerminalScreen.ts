/** What is on a terminal at the end, after all that was written to it. */

const escape = String.fromCodePoint(27)
const token = new RegExp(`${escape}\\[([0-9;?]*)([A-Za-z])|\\r|\\n|[^\\r\\n${escape}]+`, "gu")

/** Reads what was written, as far as the command writes it: moves up and down, erases lines, and colors. */
export const after = (written: string): ReadonlyArray<string> => {
  const rows: Array<string> = [""]
  let row = 0
  let column = 0
  for (const [text, parameter = "", letter] of written.matchAll(token)) {
    const count = Number(parameter) || 1
    if (letter === "A") row = Math.max(0, row - count)
    else if (letter === "B") row += count
    else if (letter === "G") column = count - 1
    else if (letter === "K") rows[row] = parameter === "2" ? "" : (rows[row] ?? "").slice(0, column)
    else if (letter === "J") rows.splice(row, rows.length, (rows[row] ?? "").slice(0, column))
    else if (letter !== undefined) continue
    else if (text === "\r") column = 0
    else if (text === "\n") row += 1
    else {
      rows[row] = (rows[row] ?? "").slice(0, column).padEnd(column) + text + (rows[row] ?? "").slice(column + text.length)
      column += text.length
    }
    while (rows.length <= row) rows.push("")
  }
  return rows.map((each) => each.trimEnd()).filter((each) => each !== "")
}
