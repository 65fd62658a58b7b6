// The report being written, kept on the phone until it is sent or thrown away.
import type { Place } from '../lib/shapes'
import { removeFile } from './outbox'
import { who } from './session'

export interface Draft {
  text: string
  photos: string[]
  sound: string
  seconds: number
  category: string
  category_name: string
  kind: string
  /** What a complaint is about; the server asks for it, and nothing is chosen before. */
  about: string
  place: Place | null
  place_name: string
  message: number | null
  /** Photos of that message: they are with the server already. */
  known: string[]
  not_integrity: boolean
}

const EMPTY: Draft = {
  text: '', photos: [], sound: '', seconds: 0, category: '', category_name: '', kind: '', about: '',
  place: null, place_name: '', message: null, known: [], not_integrity: false,
}

type Kept = Draft & { by: string }

const kept = (): Kept => ({ ...EMPTY, by: '', ...((wx.getStorageSync('draft') as Kept | '') || {}) })
const aside = (): Kept[] => (wx.getStorageSync('drafts-aside') as Kept[] | '') || []
const files = ({ photos, sound }: Draft): string[] => [...photos, ...(sound ? [sound] : [])]

/** The draft of whoever uses the phone; what was begun before signing in is theirs who then sign in. */
export function draft(): Draft {
  const { by, ...now } = kept()
  return !by || by === who('resident') ? now : EMPTY
}

export function change(part: Partial<Draft>): Draft {
  const now = { ...draft(), ...part }
  wx.setStorageSync('draft', { ...now, by: who('resident') })
  return now
}

/** Begins another report; the one being written waits, and comes back when this one is over. */
export function begin(part: Partial<Draft>): void {
  const now = kept()
  const written = now.text || now.known.length || files(now).length
  const same = part.message && now.message === part.message // turned into a report twice: once more from its words
  if (written && !same) wx.setStorageSync('drafts-aside', [...aside(), now])
  wx.removeStorageSync('draft')
  change(part)
}

/** Ends the draft. Its files go too, unless the outbox has taken them over. */
export function clear(what: 'keep' | 'remove'): void {
  if (what === 'remove') files(kept()).forEach(removeFile)
  const waiting = aside()
  const last = waiting.pop()
  wx.setStorageSync('drafts-aside', waiting)
  if (last) wx.setStorageSync('draft', last)
  else wx.removeStorageSync('draft')
}

/** Whoever wrote them has gone: every draft goes, with its files. */
export function wipeDrafts(): void {
  for (const one of [kept(), ...aside()]) files(one).forEach(removeFile)
  wx.removeStorageSync('draft')
  wx.removeStorageSync('drafts-aside')
}
