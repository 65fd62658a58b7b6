// Who is signed in on this phone: a token for the resident, one for the member of staff; both may be there.
import type { Account } from '../lib/shapes'

export type As = 'resident' | 'staff'
export interface Session {
  token: string
  expires_at: string
  account: Account
}
/** `other`: whoever was here is not any more, and nothing of theirs may be seen. */
type Told = (as: As, other: boolean) => void

const key = (as: As) => `session-${as}`
const told = new Set<Told>()

export function session(as: As): Session | null {
  const kept = wx.getStorageSync(key(as)) as Session | ''
  return kept && Date.parse(kept.expires_at) > Date.now() ? kept : null
}

/** The account that this phone is used by, also after its token has run out; empty once it has signed out. */
export const who = (as: As): string => String(wx.getStorageSync(`who-${as}`) || '')

/** Whether somebody signed out here: then nobody is signed in again without a tap. */
export const left = (as: As): boolean => !!wx.getStorageSync(`left-${as}`)

export function keep(as: As, { token, expires_at, account }: Session): void {
  const other = who(as) !== '' && who(as) !== account.ref
  wx.setStorageSync(key(as), { token, expires_at, account })
  wx.setStorageSync(`who-${as}`, account.ref)
  wx.removeStorageSync(`left-${as}`)
  tell(as, other)
}

/** A token that is worth nothing any more; its owner is still expected back. */
export function forget(as: As): void {
  wx.removeStorageSync(key(as))
}

/** Somebody signs out of this phone. */
export function leave(as: As): void {
  forget(as)
  wx.removeStorageSync(`who-${as}`)
  wx.setStorageSync(`left-${as}`, true)
  tell(as, true)
}

/** Calls `run` whenever somebody has come in or gone. */
export function watchAccount(run: Told): () => void {
  told.add(run)
  return () => told.delete(run)
}

function tell(as: As, other: boolean): void {
  told.forEach((run) => run(as, other))
}
