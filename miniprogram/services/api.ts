// The one way to the server. Errors come as sentences for a person; a token that has run out is asked for anew once.
import { look, t } from '../lib/look'
import { SERVER } from '../server'
import { As, forget, keep, left, Session, session, watchAccount, who } from './session'

const BASE = `${SERVER}/api/v1`

/** The server has said no, and why. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly field: string | null = null,
    readonly ways: { name: string; number: string | null; words: string }[] = [],
  ) {
    super(message)
  }
}

/** Nothing was heard: what was asked may or may not have been done, and may be asked again with the same key. */
export class Offline extends Error {
  constructor() {
    super(t('没有网络，没有连上。'))
  }
}

export const sentence = (error: unknown): string => (error instanceof Error && error.message) || t('没有办成，请再试一次。')

/** A key by which the server knows a repeat. */
export function newKey(): string {
  const part = () => Math.random().toString(36).slice(2, 12)
  return `${Date.now().toString(36)}-${part()}${part()}`
}

interface Asked {
  as?: As
  body?: unknown
  key?: string
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE' // what wx.request knows of HTTP; PATCH is not among it

const header = (as: As, key?: string): Record<string, string> => {
  const mine = session(as)
  return {
    'Accept-Language': look().lang === 'en' ? 'en' : 'zh-hans',
    ...(mine ? { Authorization: `Bearer ${mine.token}` } : {}),
    ...(key ? { 'Idempotency-Key': key } : {}),
  }
}

function once(method: Method, path: string, { as = 'resident', body, key }: Asked): Promise<{ status: number; data: unknown }> {
  return new Promise((resolve, reject) => {
    wx.request({
      url: BASE + path,
      method,
      header: { ...header(as, key), ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      data: body as Record<string, unknown>,
      success: ({ statusCode, data }) => resolve({ status: statusCode, data }),
      fail: () => reject(new Offline()),
    })
  })
}

function checked<T>(status: number, data: unknown): T {
  if (status >= 200 && status < 300) return data as T
  const said = (data || {}) as { error?: { code: string; message: string; field: string | null }; ways?: Refused['ways'] }
  const { code = 'server', message = t('没有办成，请再试一次。'), field = null } = said.error || {}
  throw new Refused(status, code, message, field, said.ways)
}

export async function ask<T>(method: Method, path: string, asked: Asked = {}): Promise<T> {
  const as = asked.as || 'resident'
  const had = session(as)
  const answer = await renewed(as, () => once(method, path, asked), !!had)
  return checked<T>(answer.status, answer.data)
}

/** `run` once more where its token had run out and its owner is known by WeChat; with `bare`, else without a token.
 * Never in the name of somebody who has come in meanwhile. */
async function renewed<T extends { status: number }>(as: As, run: () => Promise<T>, bare = false): Promise<T> {
  const name = who(as)
  const token = session(as)?.token
  const first = await run()
  if (first.status !== 401 || who(as) !== name) return first
  const fresh = session(as)
  const known = fresh && fresh.token !== token ? true : await again(as) // another call may have asked already
  return (known || bare) && (!name || who(as) === name) ? run() : first
}

/** Signs in anew by WeChat alone, which works for whoever has signed in here before and has not signed out. */
export async function again(as: As): Promise<boolean> {
  forget(as)
  try {
    const entered = await enter(as, true)
    return !!entered && entered.state === 'signed_in'
  } catch {
    return false
  }
}

export type Entered = ({ state: 'signed_in' } & Session) | { state: 'phone_needed'; ticket: string; expires_at: string }

/** What WeChat knows of whoever holds this phone: signed in at once, or a ticket for the next step. `alone` is for
 * what happens without a tap: null where somebody has signed out, or WeChat names another than who was here last. */
export async function enter(as: As, alone = false): Promise<Entered | null> {
  if (alone && left(as)) return null
  const { code } = await wx.login()
  const answer = await once('POST', '/session', { as, body: { code, as } })
  const entered = checked<Entered>(answer.status, answer.data)
  if (entered.state === 'signed_in') {
    if (alone && (left(as) || (who(as) && who(as) !== entered.account.ref))) return null
    keep(as, entered)
  }
  return entered
}

/** What everybody is told alike and what seldom changes: without a network, as it was told last. */
export async function getKept<T>(path: string): Promise<T> {
  const name = `kept ${look().lang} ${path}`
  try {
    const told = await ask<T>('GET', path)
    wx.setStorageSync(name, told)
    return told
  } catch (error) {
    const kept = wx.getStorageSync(name) as T | ''
    if (error instanceof Offline && kept) return kept
    throw error
  }
}

/** Signs in with a ticket of WeChat's, which lives ten minutes: one that is too old is fetched anew and used once more. */
export async function withTicket(as: As, ticket: string, signIn: (ticket: string) => Promise<Session>): Promise<void> {
  try {
    return keep(as, await signIn(ticket))
  } catch (error) {
    if (!ticket || !(error instanceof Refused) || error.field !== 'ticket') throw error
  }
  const entered = await enter(as)
  if (entered && entered.state === 'phone_needed') keep(as, await signIn(entered.ticket))
}

export const get = <T>(path: string, as: As = 'resident'): Promise<T> => ask<T>('GET', path, { as })

/** An act: `key` makes a repeat harmless. */
export const post = <T>(path: string, body: unknown, key: string = newKey(), as: As = 'resident'): Promise<T> =>
  ask<T>('POST', path, { as, body, key })

/** Sends one file of the phone; its id belongs into the act that follows. */
export async function upload(what: 'photo' | 'sound', filePath: string, as: As = 'resident'): Promise<string> {
  const answer = await renewed(as, () => uploaded(what, filePath, as))
  return checked<{ id: string }>(answer.status, answer.data).id
}

function uploaded(what: 'photo' | 'sound', filePath: string, as: As): Promise<{ status: number; data: unknown }> {
  return new Promise((resolve, reject) => {
    wx.uploadFile({
      url: `${BASE}/${what}s`,
      name: what,
      filePath,
      header: header(as),
      success: ({ statusCode, data }) => {
        let said: unknown = {}
        try {
          said = JSON.parse(data)
        } catch {
          // A gateway's own page: told by its status.
        }
        resolve({ status: statusCode, data: said })
      },
      fail: ({ errMsg }) => reject(/not found|no such file/.test(errMsg) ? new Refused(0, 'gone', t('手机里的这张照片不见了，请再拍一张。')) : new Offline()),
    })
  })
}

const fetched = new Map<string, Promise<string>>()
watchAccount((_, other) => other && fetched.clear())

/** A picture that only its reader may see, as a file an <image> can show. Asked for once. */
export function picture(path: string, as: As = 'resident'): Promise<string> {
  const name = `${as} ${path}`
  const found = fetched.get(name)
  if (found) return found
  const asked = new Promise<string>((resolve, reject) => {
    wx.downloadFile({
      url: BASE + path,
      header: header(as),
      success: ({ statusCode, tempFilePath }) => (statusCode === 200 ? resolve(tempFilePath) : reject(new Refused(statusCode, 'picture', ''))),
      fail: () => reject(new Offline()),
    })
  })
  asked.catch(() => fetched.delete(name))
  fetched.set(name, asked)
  return asked
}

/** The address of a picture that everybody may see. */
export const address = (path: string): string => (path.startsWith('/') ? SERVER + path : path)
