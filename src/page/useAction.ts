/** Does something on the server, and says what became of it. */
import { useAtomSet } from "@effect-atom/atom-react/Hooks"
import * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { useState } from "react"
import type { RunsClient } from "../server/RunsClient.ts"
import * as Atoms from "./Atoms.ts"

/** Something to do: succeeds with a sentence. */
export type Doing = (client: RunsClient["Type"]) => Effect.Effect<string, { readonly message: string }>

/** What is to be said of the last thing that was done. */
export interface Told {
  readonly text: string
  readonly isProblem: boolean
}

/** A way to do something, and what there is to say of it. */
export const useAction = () => {
  const act = useAtomSet(Atoms.act, { mode: "promiseExit" })
  const [told, tell] = useState<Told | undefined>()
  const [isBusy, setBusy] = useState(false)
  const run = async (doing: Doing): Promise<boolean> => {
    setBusy(true)
    const exit = await act(doing)
    setBusy(false)
    tell(Exit.match(exit, {
      onSuccess: (text) => ({ text, isProblem: false }),
      onFailure: (cause) => {
        const error = Cause.squash(cause)
        return { text: error instanceof Error && error.message !== "" ? error.message : "it could not be done", isProblem: true }
      }
    }))
    return Exit.isSuccess(exit)
  }
  return { run, told, isBusy, forget: () => tell(undefined) }
}
