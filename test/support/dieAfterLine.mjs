// Preloaded by a test: the process kills itself, as `kill -9` would, when it has written so many lines of output, or a text.
const lines = Number(process.env.DIE_AFTER_LINES ?? Number.POSITIVE_INFINITY)
const text = process.env.DIE_AFTER_TEXT
const write = process.stdout.write.bind(process.stdout)
let written = 0

// Writing to a pipe is done when it returns: what comes after the last line is never reached.
process.stdout.write = (chunk, ...rest) => {
  const result = write(chunk, ...rest)
  written += String(chunk).split("\n").length - 1
  if (written >= lines || (text !== undefined && String(chunk).includes(text))) process.kill(process.pid, "SIGKILL")
  return result
}
