/**
 * The table of runs: a row for each run that says how it stands, so that nobody
 * has to look for that in the events of all runs. The database keeps it itself,
 * with triggers, in the transaction that changes the events: also for a program
 * that knows nothing of it. The events are what counts, and the table can be made
 * anew from them at any time.
 *
 * The statements here are those of a migration. To change one takes another migration.
 */
import type * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"

type Sql = SqlClient.SqlClient

/** The columns of a row. */
export const columns = [
  "run",
  "begun",
  "ended",
  "state",
  "workflow",
  "url",
  "policy",
  "embedded",
  "outcome",
  "left_behind",
  "kept",
  "branches",
  "attention"
] as const

/**
 * What the table is like: as it was first created, with the number of branches as well, or made anew also when the first row of a
 * run comes or goes that is no milestone, which only others than the run see to.
 */
type Version = "first" | "branches" | "beginnings"

/** The version that there is when all migrations were made. */
const current: Version = "beginnings"

/** A part of a statement that only the table has which counts branches. */
const withBranches = (version: Version, text: string): string => (version === "first" ? "" : text)

const columnsOf = (version: Version) => columns.filter((name) => name !== "branches" || version !== "first")

/** Those of them that are text. */
export const texts = ["run", "begun", "ended", "state", "workflow", "url", "policy", "outcome"] as const

/**
 * How a run stands by its last milestone. One that was submitted is queued until it begins. One that goes on after its end has
 * begun again; one of which the end is all that cannot be read is damaged.
 */
export const states = ["queued", "begun", "over", "forgotten", "damaged"] as const

/** Which attention a run calls for: it is not over, is damaged or has left something; it has kept something; or none. */
export const attention = { open: 2, kept: 1, none: 0 } as const

const isPostgres = (sql: Sql) => sql.onDialectOrElse({ pg: () => true, orElse: () => false })

const milestones = "'run.submitted', 'run.started', 'run.resumed', 'run.decided', 'run.finished'"

/** The events after which a run can stand otherwise than before. */
const decisive = `${milestones}, 'run.forgotten'`

/** Holds for the events by which a run is known. */
export const isMilestone = `tag IN (${milestones})`

/** What the last milestone and the beginning say, or nothing where they are damaged, as neither may keep a row from being written. */
const told = (sql: Sql, version: Version) => {
  if (isPostgres(sql)) {
    return {
      columns: `tm.workflow, tb.url, tb.policy, CASE WHEN tb.embedded THEN 1 ELSE 0 END AS embedded,
        tm.outcome, tm.left_behind, tm.kept${withBranches(version, ", tm.branches")}`,
      // With a limit, so that each row is looked up: without statistics, PostgreSQL would read the events of all runs for it.
      joined: `CROSS JOIN LATERAL (SELECT * FROM telemachy_events AS e WHERE e.run = l.run AND e.seq = l.seq LIMIT 1) AS m
        LEFT JOIN LATERAL (SELECT * FROM telemachy_events AS e WHERE e.run = l.run AND e.seq = l.began LIMIT 1) AS b ON true
        LEFT JOIN LATERAL telemachy_told(m.payload) AS tm ON true LEFT JOIN LATERAL telemachy_told(b.payload) AS tb ON true`
    }
  }
  const member = (table: string, name: string) =>
    `CASE WHEN typeof(${table}.payload) = 'text' AND json_valid(${table}.payload) THEN json_extract(${table}.payload, '$.${name}') END`
  return {
    columns: `${member("m", "workflow")} AS workflow, ${member("b", "url")} AS url, ${member("b", "policy")} AS policy,
      CASE WHEN ${member("b", "embedded")} = 1 THEN 1 ELSE 0 END AS embedded, ${member("m", "outcome")} AS outcome,
      ${member("m", "left")} AS left_behind, ${member("m", "kept")} AS kept${withBranches(version, `, ${member("m", "keptBranches")} AS branches`)}`,
    joined: `JOIN telemachy_events AS m ON m.run = l.run AND m.seq = l.seq
      LEFT JOIN telemachy_events AS b ON b.run = l.run AND b.seq = l.began`
  }
}

/** Asks the events of the runs of a condition for the rows of the table. */
export const derived = (sql: Sql, condition = "true", version: Version = current): string => {
  const { columns: said, joined } = told(sql, version)
  return `SELECT run, coalesce(first_at, last_at) AS begun, CASE WHEN state IN ('queued', 'begun') THEN NULL ELSE coalesce(first_ended, last_at) END AS ended, state,
      workflow, url, policy, embedded, outcome, left_behind, kept,${withBranches(version, " branches,")}
      CASE WHEN state = 'forgotten' THEN ${attention.none}
        WHEN state <> 'over' OR (left_behind > 0 AND embedded = 0) THEN ${attention.open}
        WHEN kept > 0 AND embedded = 0 THEN ${attention.kept} ELSE ${attention.none} END AS attention
    FROM (
      SELECT said.*, CASE
        WHEN is_silent AND NOT EXISTS (
          SELECT 1 FROM telemachy_events AS e WHERE e.run = said.run AND e.payload IS NOT NULL AND e.tag <> 'run.forgotten'
        ) THEN 'forgotten'
        WHEN first_at IS NULL OR workflow IS NULL THEN 'damaged'
        WHEN tag = 'run.submitted' THEN 'queued'
        WHEN tag <> 'run.finished' THEN 'begun'
        WHEN outcome IS NULL OR left_behind IS NULL OR kept IS NULL THEN 'damaged'
        ELSE 'over' END AS state
      FROM (
        SELECT l.run AS run, m.at AS last_at, m.tag AS tag, m.payload IS NULL AS is_silent,
          (SELECT e.at FROM telemachy_events AS e WHERE e.run = l.run AND e.seq = 0) AS first_at, (
            SELECT min(e.at) FROM telemachy_events AS e
            WHERE e.run = l.run AND e.${isMilestone} AND e.tag = 'run.finished' AND e.seq > l.began
          ) AS first_ended, ${said}
        FROM (
          SELECT run, max(seq) AS seq, max(CASE WHEN tag IN ('run.submitted', 'run.started', 'run.resumed') THEN seq END) AS began
          FROM telemachy_events WHERE ${isMilestone} AND ${condition} GROUP BY run
        ) AS l
        ${joined}
      ) AS said
    ) AS judged`
}

/** Writes the rows of the runs of a condition, as their events say that they stand. */
const written = (sql: Sql, condition: string, version: Version): string =>
  `INSERT INTO telemachy_runs (${columnsOf(version).join(", ")}) ${derived(sql, condition, version)} WHERE true
    ON CONFLICT (run) DO UPDATE SET ${columnsOf(version).slice(1).map((name) => `${name} = excluded.${name}`).join(", ")}`

/** Holds for the rows of the runs of a condition of which the events say nothing. */
export const isVoid = (condition: string): string =>
  `${condition} AND NOT EXISTS (SELECT 1 FROM telemachy_events AS e WHERE e.run = telemachy_runs.run AND e.${isMilestone})`

/** Keeps PostgreSQL from compiling the statements of a transaction, which it would without statistics. */
export const uncompiled = (sql: Sql): ReadonlyArray<string> => (isPostgres(sql) ? ["SET LOCAL jit = off"] : [])

/** Makes the rows of the runs of a condition what the events say. Others must not change either meanwhile. */
export const remake = (sql: Sql, condition: string, version: Version = current): ReadonlyArray<string> => [
  `DELETE FROM telemachy_runs WHERE ${isVoid(condition)}`,
  written(sql, condition, version)
]

/** Holds for a row of a trigger after which its run can stand otherwise than before. */
const isDecisive = (row: "NEW" | "OLD", version: Version): string =>
  `(${row}.tag IN (${decisive})${version === "beginnings" ? ` OR ${row}.seq = 0` : ""})`

const run = (sql: Sql, statements: ReadonlyArray<string>) =>
  Effect.forEach(statements, (statement) => sql.unsafe(statement), { discard: true })

const fileTriggers = (sql: Sql, version: Version): ReadonlyArray<string> => {
  // Each row has its turn, and what comes after it is not changed yet: the last one sees the run as it will be.
  const isLast = "NOT EXISTS (SELECT 1 FROM telemachy_events AS e WHERE e.run = NEW.run AND e.seq > NEW.seq)"
  const remade = (row: "NEW" | "OLD") => remake(sql, `run = ${row}.run`, version).map((statement) => `${statement};`).join("\n")
  return [
    `CREATE TRIGGER telemachy_run_told AFTER INSERT ON telemachy_events WHEN ${isDecisive("NEW", version)}
      BEGIN ${written(sql, "run = NEW.run", version)}; END`,
    `CREATE TRIGGER telemachy_run_changed AFTER UPDATE OF run, seq, at, tag, payload ON telemachy_events
      WHEN ${isDecisive("OLD", version)} OR ${isDecisive("NEW", version)} OR ${isLast} BEGIN ${remade("OLD")} ${remade("NEW")} END`,
    `CREATE TRIGGER telemachy_run_removed AFTER DELETE ON telemachy_events WHEN ${isDecisive("OLD", version)} BEGIN ${remade("OLD")} END`
  ]
}

/** How the database finds out what an event says. One that is damaged says nothing. */
const postgresTold = (version: Version) => `CREATE FUNCTION telemachy_told(
    payload text, OUT workflow text, OUT url text, OUT policy text, OUT embedded boolean, OUT outcome text,
    OUT left_behind integer, OUT kept integer${withBranches(version, ", OUT branches integer")}
  ) LANGUAGE plpgsql IMMUTABLE AS $$
    BEGIN
      SELECT t.workflow, t.url, t.policy, t.embedded, t.outcome, t."left", t.kept${withBranches(version, `, t."keptBranches"`)}
        INTO workflow, url, policy, embedded, outcome, left_behind, kept${withBranches(version, ", branches")}
        FROM json_to_record(payload::json) AS t(
          workflow text, url text, policy text, embedded boolean, outcome text, "left" integer, kept integer${withBranches(version, `, "keptBranches" integer`)}
        );
    EXCEPTION WHEN data_exception THEN
      NULL;
    END $$`

const postgresTriggers = (sql: Sql, version: Version): ReadonlyArray<string> => {
  const remade = (row: "NEW" | "OLD") => remake(sql, `run = ${row}.run`, version).map((statement) => `${statement};`).join("\n")
  // Whoever changes the events by hand may look for tables elsewhere. Compiling a statement takes longer than it does.
  const functionOf = (name: string, body: string) =>
    `CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT SET jit = off AS $$
      BEGIN ${body} RETURN NULL; END $$`
  const trigger = (name: string, when: string, condition: string) =>
    `CREATE TRIGGER ${name} AFTER ${when} ON telemachy_events FOR EACH ROW WHEN (${condition}) EXECUTE FUNCTION ${name}()`
  return [
    functionOf("telemachy_run_told", `${written(sql, "run = NEW.run", version)};`),
    functionOf("telemachy_run_changed", `${remade("OLD")} ${remade("NEW")}`),
    functionOf("telemachy_run_removed", remade("OLD")),
    trigger("telemachy_run_told", "INSERT", isDecisive("NEW", version)),
    trigger("telemachy_run_changed", "UPDATE OF run, seq, at, tag, payload", `${isDecisive("OLD", version)} OR ${isDecisive("NEW", version)}`),
    trigger("telemachy_run_removed", "DELETE", isDecisive("OLD", version))
  ]
}

const triggers = (sql: Sql, version: Version) => (isPostgres(sql) ? postgresTriggers(sql, version) : fileTriggers(sql, version))

/** Has no triggers keep the table any longer. */
const keepNoMore = (sql: Sql): ReadonlyArray<string> =>
  ["told", "changed", "removed"].flatMap((name) =>
    isPostgres(sql)
      ? [`DROP TRIGGER telemachy_run_${name} ON telemachy_events`, `DROP FUNCTION telemachy_run_${name}()`]
      : [`DROP TRIGGER telemachy_run_${name}`])

/** Has the table kept by the events that there are now, where an earlier version has created it. */
export const keepAnew = (sql: Sql) =>
  run(sql, [
    ...keepNoMore(sql),
    "DROP INDEX telemachy_milestones",
    `CREATE INDEX telemachy_milestones ON telemachy_events (run, seq) WHERE ${isMilestone}`,
    ...triggers(sql, "first")
  ])

/** Adds the number of branches that a run has kept, which only runs know that end from then on. */
export const countBranches = (sql: Sql) =>
  run(sql, [
    "ALTER TABLE telemachy_runs ADD COLUMN branches integer",
    ...keepNoMore(sql),
    ...(isPostgres(sql) ? ["DROP FUNCTION telemachy_told(text)", postgresTold("branches")] : []),
    ...triggers(sql, "branches")
  ])

/** Has the table kept also by first rows that are no milestones. */
export const keepBeginnings = (sql: Sql) => run(sql, [...keepNoMore(sql), ...triggers(sql, "beginnings")])

/** Creates the table, fills it with the runs that there are, and has it kept from then on. */
export const create = (sql: Sql) => {
  const text = isPostgres(sql) ? `text COLLATE "C"` : "text"
  return run(sql, [
    `CREATE TABLE telemachy_runs (
      run ${text} PRIMARY KEY,
      begun ${text} NOT NULL,
      ended ${text},
      state ${text} NOT NULL,
      workflow ${text},
      url ${text},
      policy ${text},
      embedded integer NOT NULL,
      outcome ${text},
      left_behind integer,
      kept integer,
      attention integer NOT NULL
    )`,
    ...(isPostgres(sql) ? [postgresTold("first")] : []),
    ...triggers(sql, "first"),
    ...uncompiled(sql),
    // In PostgreSQL, nobody adds events once there are triggers until all of this is committed.
    written(sql, "true", "first"),
    "CREATE INDEX telemachy_newest ON telemachy_runs (begun DESC, run)",
    "CREATE INDEX telemachy_newest_of ON telemachy_runs (workflow, begun DESC, run)",
    `CREATE INDEX telemachy_attention ON telemachy_runs (attention, url) WHERE attention > 0`,
    // Of the questions that the table answers.
    "DROP INDEX telemachy_done",
    "DROP INDEX telemachy_resumed",
    "DROP INDEX telemachy_beginnings"
  ])
}
