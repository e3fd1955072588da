/**
 * The table of what runs were told to do. An input is written before the first
 * event of its run, and pending until that is there, so that those of runs whose
 * processes ended in between can be found. The database itself says when that is
 * over, with a trigger, in the transaction that adds the event.
 *
 * The statements of {@link mark} are those of a migration. To change one takes another migration.
 */
import type * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"

type Sql = SqlClient.SqlClient

/** Holds for an input of whose run there is no event. */
const hasNoRun = "NOT EXISTS (SELECT 1 FROM telemachy_events AS e WHERE e.run = telemachy_declarations.run)"

/** Holds for the inputs of the runs of a condition that are pending and should not be, or the other way round. */
export const isWrong = (condition: string): string => `${condition} AND is_pending <> CAST(${hasNoRun} AS integer)`

/** Makes the inputs of the runs of a condition pending or not, as the events say. */
export const remake = (condition: string): string =>
  `UPDATE telemachy_declarations SET is_pending = 1 - is_pending WHERE ${isWrong(condition)}`

const begun = "UPDATE telemachy_declarations SET is_pending = 0 WHERE run = NEW.run AND is_pending = 1;"

const triggers = (sql: Sql): ReadonlyArray<string> =>
  sql.onDialectOrElse({
    pg: () => [
      `CREATE FUNCTION telemachy_input_begun() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
        BEGIN ${begun} RETURN NULL; END $$`,
      `CREATE TRIGGER telemachy_input_begun AFTER INSERT ON telemachy_events FOR EACH ROW WHEN (NEW.seq = 0)
        EXECUTE FUNCTION telemachy_input_begun()`
    ],
    orElse: () => [
      `CREATE TRIGGER telemachy_input_begun AFTER INSERT ON telemachy_events WHEN NEW.seq = 0 BEGIN ${begun} END`
    ]
  })

/** Marks the inputs that are pending, and has that kept from then on. */
export const mark = (sql: Sql) =>
  Effect.forEach(
    [
      "ALTER TABLE telemachy_declarations ADD COLUMN is_pending integer NOT NULL DEFAULT 0",
      ...triggers(sql),
      remake("true"),
      "CREATE INDEX telemachy_pending ON telemachy_declarations (is_pending) WHERE is_pending = 1"
    ],
    (statement) => sql.unsafe(statement),
    { discard: true }
  )
