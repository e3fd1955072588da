/** Light or dark, or as the system has it. */
import { useEffect, useState } from "react"

const themes = ["system", "light", "dark"] as const
type Theme = (typeof themes)[number]

const storageKey = "telemachy-theme"

const isTheme = (text: string | null): text is Theme => themes.some((theme) => theme === text)

const read = (): Theme => {
  try {
    const kept = localStorage.getItem(storageKey)
    return isTheme(kept) ? kept : "system"
  } catch {
    // A browser that keeps nothing shows what the system has.
    return "system"
  }
}

const keep = (theme: Theme) => {
  document.documentElement.dataset["theme"] = theme
  try {
    localStorage.setItem(storageKey, theme)
  } catch {
    // It holds until the page is left.
  }
}

export const ThemeSwitch = () => {
  const [theme, setTheme] = useState(read)
  useEffect(() => keep(theme), [theme])
  return (
    <label className="theme">
      <span className="hidden">Colours</span>
      <select value={theme} onChange={({ target }) => setTheme(isTheme(target.value) ? target.value : "system")}>
        <option value="system">As the system</option>
        <option value="light">Light</option>
        <option value="dark">Dark</option>
      </select>
    </label>
  )
}
