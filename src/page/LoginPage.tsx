/** Logs in: with a key, or with the link of `telemachy serve`, which serves once. */
import { useAtomRefresh } from "@effect-atom/atom-react/Hooks"
import { type FormEvent, useEffect, useState } from "react"
import * as Effect from "effect/Effect"
import * as Atoms from "./Atoms.ts"
import * as Navigation from "./Navigation.tsx"
import { Notice } from "./Notice.tsx"
import * as Route from "./Route.ts"
import { useAction } from "./useAction.ts"

/** What is in the link. Browsers send nothing of it to the server by themselves. */
const takeLink = (): string => {
  const link = location.pathname === "/login" ? location.hash.slice(1) : ""
  if (link !== "") history.replaceState(null, "", "/login")
  return link
}

export const LoginPage = ({ isOver }: { readonly isOver: boolean }) => {
  const { forget, isBusy, run, told } = useAction()
  const refresh = useAtomRefresh(Atoms.session)
  const [key, setKey] = useState("")

  const login = async (payload: { readonly key: string } | { readonly link: string }) => {
    const isIn = await run((client) => Effect.as(client.session.login({ payload }), "logged in"))
    if (isIn) refresh()
    if (isIn && location.pathname === "/login") Navigation.go(Route.runs, true)
  }

  useEffect(() => {
    const link = takeLink()
    if (link !== "") void login({ link })
  }, [])

  const onSubmit = (event: FormEvent) => {
    event.preventDefault()
    if (key.trim() !== "") void login({ key: key.trim() })
  }

  return (
    <section className="page login" aria-labelledby="login-title">
      <h1 id="login-title">Log in</h1>
      {isOver ? <p>Your session is over, or the server has begun anew.</p> : null}
      <p>
        Open the link that <code>telemachy serve</code> prints when it starts, or give one of its keys: they are in the file that it
        names when it makes them.
      </p>
      <form onSubmit={onSubmit}>
        <label>
          <span>Key</span>
          <input type="password" autoComplete="current-password" value={key} onChange={({ target }) => setKey(target.value)} />
        </label>
        <button type="submit" className="primary" disabled={isBusy || key.trim() === ""}>Log in</button>
      </form>
      <Notice told={told} onClose={forget} />
    </section>
  )
}
