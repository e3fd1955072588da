/** What runs have left, by run. */
import type * as Schema from "effect/Schema"
import type * as ApiModel from "../server/ApiModel.ts"

type Leftover = Schema.Schema.Type<typeof ApiModel.Leftover>

/** What a run has left. */
export interface OfRun extends Omit<Leftover, "resource" | "usd"> {
  readonly resources: ReadonlyArray<Leftover["resource"]>
  /** What all of it has cost since then, in US dollars; nothing where no price is set. */
  readonly usd: number | undefined
}

/** Puts together what the same run has left, in the order in which it is told. */
export const byRun = (leftovers: ReadonlyArray<Leftover>): ReadonlyArray<OfRun> => {
  const runs = new Map<string, OfRun>()
  for (const { resource, usd, ...of } of leftovers) {
    const known = runs.get(of.run)
    const sum = usd === undefined ? known?.usd : (known?.usd ?? 0) + usd
    runs.set(of.run, { ...of, resources: [...(known?.resources ?? []), resource], usd: sum })
  }
  return [...runs.values()]
}

/** Why something is still there. */
export const why = ({ status }: Leftover["resource"]): string => {
  if (status === "left") return "could not be removed"
  if (status === "kept") return "kept on purpose"
  return "its run was interrupted"
}
