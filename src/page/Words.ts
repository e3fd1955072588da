/** Numbers and times in words. Times are in milliseconds since 1970. */

const two = (number: number): string => String(number).padStart(2, "0")

/** How long something took, or takes so far, as short as is still exact enough: `4.2s`, `3m 04s`, `5h 12m`, `3d 04h`. */
export const lasted = (millis: number): string => {
  const seconds = Math.max(0, millis) / 1000
  if (seconds < 59.95) return `${seconds.toFixed(1)}s`
  const whole = Math.round(seconds)
  const minutes = Math.floor(whole / 60)
  if (minutes < 60) return `${minutes}m ${two(whole % 60)}s`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours}h ${two(minutes % 60)}m` : `${Math.floor(hours / 24)}d ${two(hours % 24)}h`
}

/** How long ago something was. */
export const ago = (millis: number): string => {
  const seconds = Math.floor(Math.max(0, millis) / 1000)
  if (seconds < 60) return `${seconds}s ago`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}m ago`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours}h ago` : `${Math.floor(hours / 24)}d ago`
}

/** Counts things. */
export const count = (number: number, noun: string, plural = `${noun}s`): string => `${number.toLocaleString("en")} ${number === 1 ? noun : plural}`

/** Joins things in a sentence: `a`, `a and b`, `a, b and c`. */
export const listed = (parts: ReadonlyArray<string>): string =>
  parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`

/** An amount of money. Less than a cent is shown as exact as it is. */
export const usd = (amount: number): string => `$${amount !== 0 && Math.abs(amount) < 0.01 ? amount.toPrecision(2) : amount.toFixed(2)}`

/** Making a formatter takes long, and using it does not. Times in Swedish are those of ISO 8601. */
const formatters = new Map<string | undefined, Intl.DateTimeFormat>()

const formatterOf = (zone: string | undefined): Intl.DateTimeFormat => {
  const known = formatters.get(zone)
  if (known !== undefined) return known
  const made = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium", timeZone: zone })
  formatters.set(zone, made)
  return made
}

/** A time of a day, in the zone of whoever looks, with the day when that is another. */
export const clock = (at: number, now: number, zone?: string): string => {
  const formatter = formatterOf(zone)
  const [written, current] = [formatter.format(at), formatter.format(now)]
  const [day = "", time = ""] = written.split(" ")
  return current.startsWith(day) ? time : `${day} ${time}`
}
