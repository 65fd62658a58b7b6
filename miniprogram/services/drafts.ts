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

const kept = (): Draft & { by: string } => ({ ...EMPTY, by: '', ...((wx.getStorageSync('draft') as (Draft & { by: string }) | '') || {}) })

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

/** Ends the draft. Its files go too, unless the outbox has taken them over. */
export function clear(files: 'keep' | 'remove'): void {
  const { photos, sound } = kept()
  if (files === 'remove') [...photos, ...(sound ? [sound] : [])].forEach(removeFile)
  wx.removeStorageSync('draft')
}
