// How pages look and speak: the language and the large type, kept on the phone, told to every page that is open.
import { EN } from '../generated/en'

export type Lang = 'zh' | 'en'
export interface Look {
  lang: Lang
  elder: '' | 'elder'
}
type Told = (look: Look) => void

const told = new Set<Told>()
let now: Look = read()

function read(): Look {
  const kept = wx.getStorageSync('look') as Partial<Look> | ''
  return { lang: kept && kept.lang === 'en' ? 'en' : 'zh', elder: kept && kept.elder === 'elder' ? 'elder' : '' }
}

export const look = (): Look => now

export function change(part: Partial<Look>): void {
  now = { ...now, ...part }
  wx.setStorageSync('look', now)
  told.forEach((tell) => tell(now))
}

/** Calls `tell` at every change until the function that is returned is called. */
export function watch(tell: Told): () => void {
  told.add(tell)
  return () => told.delete(tell)
}

/** The sentence in the reader's language; %(name)s is replaced. Chinese ids are in the same catalogue as the portal's. */
export function t(id: string, values: Record<string, string | number> = {}): string {
  const said = (now.lang === 'en' && EN[id]) || id
  return Object.keys(values).reduce((text, name) => text.split(`%(${name})s`).join(String(values[name])), said)
}
