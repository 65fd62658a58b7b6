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
  about: string
  place: Place | null
  place_name: string
  message: number | null
  not_integrity: boolean
}

const EMPTY: Draft = {
  text: '', photos: [], sound: '', seconds: 0, category: '', category_name: '', kind: '', about: 'thing',
  place: null, place_name: '', message: null, not_integrity: false,
}

export const draft = (): Draft => ({ ...EMPTY, ...((wx.getStorageSync('draft') as Draft | '') || {}) })

export function change(part: Partial<Draft>): Draft {
  const now = { ...draft(), ...part }
  wx.setStorageSync('draft', now)
  return now
}

/** Ends the draft. Its files go too, unless the outbox has taken them over. */
export function clear(files: 'keep' | 'remove'): void {
  const { photos, sound } = draft()
  if (files === 'remove') [...photos, ...(sound ? [sound] : [])].forEach(removeFile)
  wx.removeStorageSync('draft')
}
