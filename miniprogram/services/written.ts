// What is being written on a page and has not been sent: kept on the phone, so that leaving the page loses nothing of it.
import { As, who } from './session'

interface Kept {
  as: As
  by: string
  since: number
  data: Record<string, unknown>
}

const LONGEST = 7 * 24 * 3_600_000
const MOST = 30 // pages; the oldest go

const all = (): Record<string, Kept> => (wx.getStorageSync('written') as Record<string, Kept> | '') || {}

/** What its writer left on the page `of`; nothing of anybody else's. */
export function written<T>(as: As, of: string): Partial<T> {
  const kept = all()[of]
  return kept && kept.by === who(as) && Date.now() - kept.since < LONGEST ? (kept.data as Partial<T>) : {}
}

export function keepWritten(as: As, of: string, data: Record<string, unknown>): void {
  const others = Object.entries(all()).filter(([name, kept]) => name !== of && Date.now() - kept.since < LONGEST)
  others.sort(([, a], [, b]) => b.since - a.since)
  wx.setStorageSync('written', Object.fromEntries([[of, { as, by: who(as), since: Date.now(), data }], ...others.slice(0, MOST - 1)]))
}

/** It has been sent, or nobody goes on with it. */
export function dropWritten(of: string): void {
  const { [of]: _gone, ...others } = all()
  wx.setStorageSync('written', others)
}

/** Whoever wrote in this role has gone. */
export function wipeWritten(as: As): void {
  wx.setStorageSync('written', Object.fromEntries(Object.entries(all()).filter(([, kept]) => kept.as !== as)))
}
