/** The clock of the database, which all its users share. */
import type * as SqlClient from "@effect/sql/SqlClient"

/** The time in seconds, as a part of a statement that is written as a text. */
export const nowText = (sql: SqlClient.SqlClient): string =>
  sql.onDialectOrElse({
    pg: () => "extract(epoch from clock_timestamp())",
    orElse: () => "unixepoch('subsec')"
  })

/** The time in seconds. */
export const now = (sql: SqlClient.SqlClient) => sql.literal(nowText(sql))
