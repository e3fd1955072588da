/**
 * The index of the ids by which runs name their agents and teams, so that nobody
 * reads the events of all runs to find out whether an id is that of one of them.
 *
 * The statements here are those of a migration. To change one takes another migration.
 */
import type * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"

type Sql = SqlClient.SqlClient

const isPostgres = (sql: Sql) => sql.onDialectOrElse({ pg: () => true, orElse: () => false })

/** Holds for the events that name what a run has made or uses. The index is asked with this very condition. */
export const isNaming = "tag IN ('agent.created', 'agent.reused', 'team.created', 'team.reused')"

/** The id that an event names. One that is damaged names none. */
export const named = (sql: Sql): string =>
  isPostgres(sql)
    ? "telemachy_id(payload)"
    : "CASE WHEN typeof(payload) = 'text' AND json_valid(payload) THEN json_extract(payload, '$.id') END"

const postgresId = `CREATE FUNCTION telemachy_id(payload text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS $$
    BEGIN
      RETURN payload::json ->> 'id';
    EXCEPTION WHEN data_exception THEN
      RETURN NULL;
    END $$`

/** Creates the index, of the events that there are as well. */
export const create = (sql: Sql) =>
  Effect.forEach(
    [
      ...(isPostgres(sql) ? [postgresId] : []),
      // An id can be longer than an entry of PostgreSQL's usual index.
      `CREATE INDEX telemachy_ids ON telemachy_events ${isPostgres(sql) ? "USING hash " : ""}((${named(sql)})) WHERE ${isNaming}`
    ],
    (statement) => sql.unsafe(statement),
    { discard: true }
  )
