/** Conditions on texts of which there can be many. */
import type * as SqlClient from "@effect/sql/SqlClient"

/**
 * Holds for a text that is one of these. As one value: a statement takes so many and no more. To PostgreSQL it is an array,
 * each of whose members it looks up; without statistics, it would read a whole table to compare it with a list.
 */
export const isAmong = (sql: SqlClient.SqlClient, column: string, texts: Iterable<string>) => {
  const json = JSON.stringify([...texts])
  return sql.onDialectOrElse({
    pg: () => sql`${sql.literal(column)} = ANY (ARRAY(SELECT json_array_elements_text(${json}::json)))`,
    orElse: () => sql`${sql.literal(column)} IN (SELECT value FROM json_each(${json}))`
  })
}
