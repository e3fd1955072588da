/** The latest pings of a run: which were answered and how fast, and which were not. */
import { useAtomValue } from "@effect-atom/atom-react/Hooks"
import * as DateTime from "effect/DateTime"
import { memo, useMemo } from "react"
import * as Atoms from "./Atoms.ts"
import * as Pings from "./Pings.ts"
import { StatusMark } from "./StatusMark.tsx"
import { useIsNarrow } from "./VirtualTable.tsx"
import * as Words from "./Words.ts"

/** How many are drawn, and on a phone. */
const most = { wide: 120, narrow: 40 } as const

const words = { answered: "answered", missed: "not answered", lost: "not answered: the heartbeat gave up" } as const

interface Ping extends Pings.Ping {
  readonly at: DateTime.Utc
}

/** Drawn anew when there is another, and not each second. */
const Bars = memo(({ pings }: { readonly pings: ReadonlyArray<Ping> }) =>
  pings.map((ping) => {
    const { at, result, tookSeconds } = ping
    const time = DateTime.toEpochMillis(at)
    const title = `${Words.clock(time, time)}: ${words[result]}${tookSeconds === undefined ? "" : ` in ${Pings.inWords(tookSeconds)}`}`
    return <span key={`${time} ${result}`} className={`ping ${result}`} style={{ height: Pings.height(ping) }} title={title} />
  }))

interface Props {
  readonly run: string
  readonly view: {
    readonly status: string
    readonly heartbeat: { readonly status: string; readonly lastAnswer: DateTime.Utc; readonly failures: number; readonly intervalSeconds?: number | undefined }
  }
}

export const HeartbeatStrip = ({ run, view: { heartbeat, status } }: Props) => {
  const time = Atoms.shownOf(useAtomValue(Atoms.timeline(run))).value
  const now = Atoms.valueOf(useAtomValue(Atoms.now), 0)
  const isNarrow = useIsNarrow()
  const pings = time?.pings
  const shown = useMemo(() => pings?.slice(isNarrow ? -most.narrow : -most.wide) ?? [], [pings, isNarrow])
  if (time === undefined || time.pings.length === 0) return null
  const { answered, lost, missed } = time.counts
  const lastAnswer = DateTime.toEpochMillis(heartbeat.lastAnswer)
  const pace = heartbeat.intervalSeconds === undefined ? "" : `, one every ${Words.lasted(heartbeat.intervalSeconds * 1000)}`
  const sum = [`${answered.toLocaleString("en")} answered`, ...(missed > 0 ? [`${missed} not answered`] : []), ...(lost > 0 ? [`${lost} at which it gave up`] : [])].join(", ")
  return (
    <section className="heartbeat" aria-label="Heartbeat">
      <span className="heartbeat-name">Heartbeat</span>
      <span className="strip" role="img" aria-label={`The last ${shown.length} of ${Words.count(answered + missed + lost, "ping")}${pace}: ${sum}. ${Pings.speed(shown)}`}>
        <Bars pings={shown} />
      </span>
      <span className="faint">
        {sum}{pace}. {status === "running" ? <><StatusMark status={heartbeat.status} />, last answer {Words.ago(now - lastAnswer)}. </> : null}
        {Pings.speed(shown)}
      </span>
    </section>
  )
}
