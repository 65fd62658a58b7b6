// The report being written, kept on the phone until it is sent or thrown away.
import type { Place } from '../lib/shapes'
import { removeFile } from './outbox'

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

export const draft = (): Draft => ({ ...EMPTY, ...((wx.getStorageSync('draft') as Draft | '') || {}) })

export function change(part: Partial<Draft>): Draft {
  const now = { ...draft(), ...part }
  wx.setStorageSync('draft', now)
  return now
}

const begun = ({ text, photos, sound, known }: Draft): boolean => !!(text || photos.length || sound || known.length)

/** Begins another report; the one being written waits, and comes back when this one is over. */
export function begin(part: Partial<Draft>): void {
  const now = draft()
  if (begun(now) && now.message !== part.message) wx.setStorageSync('drafts-aside', [...aside(), now])
  wx.setStorageSync('draft', { ...EMPTY, ...part })
}

const aside = (): Draft[] => (wx.getStorageSync('drafts-aside') as Draft[] | '') || []

/** Ends the draft. Its files go too, unless the outbox has taken them over. */
export function clear(files: 'keep' | 'remove'): void {
  const { photos, sound } = draft()
  if (files === 'remove') [...photos, ...(sound ? [sound] : [])].forEach(removeFile)
  const waiting = aside()
  const last = waiting.pop()
  wx.setStorageSync('drafts-aside', waiting)
  if (last) wx.setStorageSync('draft', last)
  else wx.removeStorageSync('draft')
}
