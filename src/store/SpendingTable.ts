/**
 * The table of spending: a row for each run and day (UTC) that says what the
 * attempts which ended on that day have cost, so that nobody adds up the events
 * of a day. The database keeps it itself, with triggers, in the transaction that
 * changes the events. The events are what counts, and the table can be made anew
 * from them at any time; a run that was forgotten has no spending.
 *
 * Money is in millionths of a dollar: whole numbers, of which the sum is the same
 * in every order.
 *
 * The statements of {@link create} are those of a migration. To change one takes another migration.
 */
import type * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"

type Sql = SqlClient.SqlClient

const isPostgres = (sql: Sql) => sql.onDialectOrElse({ pg: () => true, orElse: () => false })

/** The columns of a row. */
const columns = "run, day, micros, reports"

/** The sign by which an event that tells of a usage is known at once. In a text of one, quotation marks have a backslash before them. */
const sign = `'"usage":{'`

/** Holds for the events that may tell of a cost. The index is asked with this very condition. */
const mayTell = (sql: Sql, row = ""): string => {
  const found = isPostgres(sql) ? `position(${sign} in ${row}payload)` : `instr(${row}payload, ${sign})`
  return `${row}tag IN ('task.finished', 'task.retrying', 'task.late') AND ${found} > 0`
}

/** The cost that an event tells of, or nothing. One that is damaged tells of none. */
const micros = (sql: Sql, row = ""): string =>
  isPostgres(sql)
    ? `telemachy_micros(${row}payload)`
    : `CASE WHEN typeof(${row}payload) = 'text' AND json_valid(${row}payload)
        AND json_type(${row}payload, '$.usage.usd') IN ('integer', 'real')
        THEN CAST(round(json_extract(${row}payload, '$.usage.usd') * 1000000) AS integer) END`

const postgresMicros = `CREATE FUNCTION telemachy_micros(payload text) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT AS $$
    BEGIN
      RETURN round((payload::json #>> '{usage,usd}')::numeric * 1000000)::bigint;
    EXCEPTION WHEN data_exception THEN
      RETURN NULL;
    END $$`

const dayOf = (row = ""): string => `substr(${row}at, 1, 10)`

/** What the rows of the runs of a condition are to be. */
export const derived = (sql: Sql, condition: string): string =>
  `SELECT run, day, CAST(sum(micros) AS ${isPostgres(sql) ? "bigint" : "integer"}) AS micros, count(*) AS reports
    FROM (SELECT run, ${dayOf()} AS day, ${micros(sql)} AS micros FROM telemachy_events WHERE ${mayTell(sql)} AND ${condition}) AS told
    WHERE micros IS NOT NULL GROUP BY run, day`

/** Asks how many rows of the runs of a condition say something else than their events, are missing, or are too many. */
export const countWrong = (sql: Sql, condition: string): string => {
  const [due, found] = [derived(sql, condition), `SELECT ${columns} FROM telemachy_spending WHERE ${condition}`]
  return `SELECT count(*) AS count FROM (
      SELECT run, day FROM (${due} EXCEPT ${found}) AS lacking UNION SELECT run, day FROM (${found} EXCEPT ${due}) AS needless
    ) AS wrong`
}

/** Makes the rows of the runs of a condition what the events say. Others must not change them meanwhile. */
export const remake = (sql: Sql, condition: string): ReadonlyArray<string> => [
  `DELETE FROM telemachy_spending WHERE ${condition}`,
  `INSERT INTO telemachy_spending (${columns}) ${derived(sql, condition)}`
]

/** Adds what an event tells of. */
const added = (sql: Sql): string =>
  `INSERT INTO telemachy_spending (${columns})
    SELECT NEW.run, ${dayOf("NEW.")}, told.micros, 1 FROM (SELECT ${micros(sql, "NEW.")} AS micros) AS told WHERE told.micros IS NOT NULL
    ON CONFLICT (run, day) DO UPDATE
      SET micros = telemachy_spending.micros + excluded.micros, reports = telemachy_spending.reports + excluded.reports;`

/** Takes away what an event has told of. */
const removed = (sql: Sql): string =>
  `UPDATE telemachy_spending SET micros = micros - ${micros(sql, "OLD.")}, reports = reports - 1
      WHERE run = OLD.run AND day = ${dayOf("OLD.")} AND ${micros(sql, "OLD.")} IS NOT NULL;
    DELETE FROM telemachy_spending WHERE run = OLD.run AND day = ${dayOf("OLD.")} AND reports < 1;`

const changeable = "run, at, tag, payload"

const triggers = (sql: Sql): ReadonlyArray<string> => {
  const [isNew, isOld] = [mayTell(sql, "NEW."), mayTell(sql, "OLD.")]
  const cases = [
    { name: "telemachy_spent", when: "INSERT", condition: isNew, body: added(sql) },
    { name: "telemachy_unspent", when: "DELETE", condition: isOld, body: removed(sql) },
    // What comes of a change is what it was taken away from, and then what it is added to.
    { name: "telemachy_spent_no_more", when: `UPDATE OF ${changeable}`, condition: isOld, body: removed(sql) },
    { name: "telemachy_spent_now", when: `UPDATE OF ${changeable}`, condition: isNew, body: added(sql) }
  ]
  return cases.flatMap(({ body, condition, name, when }) =>
    isPostgres(sql)
      ? [
        `CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
          BEGIN ${body} RETURN NULL; END $$`,
        `CREATE TRIGGER ${name} AFTER ${when} ON telemachy_events FOR EACH ROW WHEN (${condition}) EXECUTE FUNCTION ${name}()`
      ]
      : [`CREATE TRIGGER ${name} AFTER ${when} ON telemachy_events WHEN ${condition} BEGIN ${body} END`])
}

/** Creates the table, fills it from the events that there are, and has it kept from then on. */
export const create = (sql: Sql) => {
  const [text, whole] = isPostgres(sql) ? [`text COLLATE "C"`, "bigint"] : ["text", "integer"]
  return Effect.forEach(
    [
      `CREATE TABLE telemachy_spending (
        run ${text} NOT NULL,
        day ${text} NOT NULL,
        micros ${whole} NOT NULL,
        reports ${whole} NOT NULL,
        PRIMARY KEY (run, day)
      )`,
      "CREATE INDEX telemachy_spent_on ON telemachy_spending (day, micros)",
      ...(isPostgres(sql) ? [postgresMicros] : []),
      `CREATE INDEX telemachy_telling ON telemachy_events (run, seq) WHERE ${mayTell(sql)}`,
      ...triggers(sql),
      // In PostgreSQL, nobody adds events once there are triggers until all of this is committed.
      `INSERT INTO telemachy_spending (${columns}) ${derived(sql, "true")}`
    ],
    (statement) => sql.unsafe(statement),
    { discard: true }
  )
}
