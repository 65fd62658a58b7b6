// Who is signed in on this phone: a token for the resident, one for the member of staff; both may be there.
import type { Account } from '../lib/shapes'

export type As = 'resident' | 'staff'
export interface Session {
  token: string
  expires_at: string
  account: Account
}

const key = (as: As) => `session-${as}`

export function session(as: As): Session | null {
  const kept = wx.getStorageSync(key(as)) as Session | ''
  return kept && Date.parse(kept.expires_at) > Date.now() ? kept : null
}

export function keep(as: As, given: Session): void {
  wx.setStorageSync(key(as), given)
}

export function forget(as: As): void {
  wx.removeStorageSync(key(as))
}
