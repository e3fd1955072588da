/** What whoever is logged in may do. */
import { createContext, useContext } from "react"

export const RoleContext = createContext<"read" | "operate">("read")

/** Whether something may be changed. */
export const useMayOperate = (): boolean => useContext(RoleContext) === "operate"
