/** What runs have left, by run. */
import type * as Schema from "effect/Schema"
import type * as ApiModel from "../server/ApiModel.ts"

type Leftover = Schema.Schema.Type<typeof ApiModel.Leftover>

/** What a run has left. */
export interface OfRun extends Omit<Leftover, "resource"> {
  readonly resources: ReadonlyArray<Leftover["resource"]>
}

/** Puts together what the same run has left, in the order in which it is told. */
export const byRun = (leftovers: ReadonlyArray<Leftover>): ReadonlyArray<OfRun> => {
  const runs = new Map<string, OfRun>()
  for (const { resource, ...of } of leftovers) {
    const known = runs.get(of.run)
    runs.set(of.run, { ...of, resources: [...(known?.resources ?? []), resource] })
  }
  return [...runs.values()]
}

/** Why something is still there. */
export const why = ({ status }: Leftover["resource"]): string => {
  if (status === "left") return "could not be removed"
  if (status === "kept") return "kept on purpose"
  return "its run was interrupted"
}
