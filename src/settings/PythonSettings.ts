/** Variables of the Python program that have no meaning here, and what serves instead. */

const successors: ReadonlyArray<readonly [names: RegExp, instead: string]> = [
  [/^MONITOR_(TIMEOUT_SECONDS|MAX_POLLS)$/, "DEFAULT_WORKFLOW_TIMEOUT limits a run"],
  [/^WORKFLOWS_DIR$/, "a command is given the path of its workflow"],
  [/^TELEMACHY_STATE_DIR$/, "TELEMACHY_DATABASE_URL names what remembers runs"],
  [/^AUDIT_/, "the journal has every event, and telemachy audit proves it"],
  [/^METRICS_/, "telemachy serve answers at /metrics"],
  [/^OTEL_(ENABLED|EXPORTER)$/, "OTEL_EXPORTER_OTLP_ENDPOINT names a collector"]
]

/** Says which of these names have no meaning here, each with what serves instead; nothing when all of them have one. */
export const withoutMeaning = (names: ReadonlyArray<string>): string | undefined => {
  const found = names.flatMap((name) => {
    const instead = successors.find(([known]) => known.test(name))?.[1]
    return instead === undefined ? [] : [`${name} (${instead})`]
  })
  return found.length === 0 ? undefined : `without meaning here: ${found.join(", ")}`
}
