// What has to reach the server and has not yet: kept on the phone, so that neither a dead network nor a killed app
// loses it. Sent in order, one at a time, each with the key it was given when written, so that a repeat does nothing.
// What the server refuses stays, with its reason, until its writer has looked at it. Only whoever wrote something sends
// it and reads it here; what others wrote waits for them.
import { t } from '../lib/look'
import { ask, newKey, Offline, Refused, sentence, upload } from './api'
import type { Draft } from './drafts'
import { As, watchAccount, who } from './session'

const HOUR = 3_600_000
const TRY = 7 * 24 * HOUR // the server knows a key for 8 days (cases/once.py)
const OTHERS = 30 * 24 * HOUR // then whoever wrote it does not come back to this phone
const FRESH = 20 * HOUR // it forgets a file that no act has used after a day (files/store.py)
const PAUSE = 60_000 // before what did not get through is tried again by itself

export interface Item {
  key: string
  as: As
  /** The account that wrote it. */
  by: string
  /** For whom sees it in the list: what it is, in a few words. */
  title: string
  path: string
  body: Record<string, unknown>
  /** Files still on the phone; an uploaded one is the id it got. Photos go into body.photos, a sound into body.sound. */
  photos: string[]
  sound?: string
  /** Ids of what was uploaded already, and when the first of them was. */
  sent: Record<string, string>
  uploaded?: number
  /** Its files were gone at the server and went once more. */
  anew?: boolean
  since: number
  /** The report it was made from, so that a refused one can be put right. */
  draft?: Draft
  refused?: { message: string; code: string; ways: Refused['ways'] }
}

type Told = (items: Item[]) => void

const told = new Set<Told>()
/** Roles whose acts wait for a sign-in, as the last run found it. */
const shut = new Set<As>()
let sending: Promise<void> | null = null
let anew = false
let watching = false
let pause = 0

const all = (): Item[] => (wx.getStorageSync('outbox') as Item[] | '') || []
const isMine = (item: Item): boolean => !item.by || item.by === who(item.as)

/** What those wrote who use this phone now. */
export const items = (): Item[] => all().filter(isMine)

/** How many acts wait here for somebody else to sign in. */
export const others = (): number => all().filter((item) => !isMine(item)).length

function write(list: Item[]): void {
  wx.setStorageSync('outbox', list)
  tellAll()
}

const tellAll = (): void => told.forEach((tell) => tell(items()))
const update = (item: Item): void => write(all().map((other) => (other.key === item.key ? item : other)))
const drop = (key: string): void => write(all().filter((other) => other.key !== key))

export function watchOutbox(tell: Told): () => void {
  told.add(tell)
  tell(items())
  return () => told.delete(tell)
}

watchAccount((as) => {
  shut.delete(as)
  tellAll()
  void flush()
})

export function watchNetwork(): void {
  if (!watching) {
    watching = true
    wx.onNetworkStatusChange(({ isConnected }) => {
      if (isConnected) void flush()
    })
  }
  void flush()
}

export type Outcome = { state: 'sent'; data: unknown } | { state: 'kept' } | { state: 'refused'; error: Refused }

const waiting = new Map<string, (outcome: Outcome) => void>()

type Act = Pick<Item, 'as' | 'title' | 'path' | 'body'> & Partial<Pick<Item, 'photos' | 'sound' | 'draft'>>

const made = (what: Act, key: string): Item => ({ photos: [], sent: {}, ...what, key, by: who(what.as), since: Date.now() })

/** Writes it down, then tries to send it: sent, kept for later, or refused (and then not kept: its form is still open). */
export async function send(what: Act): Promise<Outcome> {
  const item = made(what, newKey())
  write([...all(), item])
  const outcome = new Promise<Outcome>((resolve) => waiting.set(item.key, resolve))
  await flush()
  if (waiting.has(item.key)) {
    // It waits behind another one, or the network is away.
    waiting.delete(item.key)
    return { state: 'kept' }
  }
  return outcome
}

/** For what may not wait: sent now or refused, its form stays open. `key` is the form's, for a second try after an
 * answer that was lost. What waits about the same matter goes first. */
export async function sendNow(what: Act, key: string): Promise<Outcome> {
  const item = made(what, key)
  try {
    await flush()
    if (items().some((other) => !other.refused && about(other) === about(item))) throw new Offline()
    const data = await deliver(item)
    item.photos.forEach(removeFile)
    return { state: 'sent', data }
  } catch (error) {
    const refusal = error instanceof Refused ? error : new Refused(0, 'signal', error instanceof Offline ? t('这一步要有信号才能办，没有存下。写的都还在，等有信号再点一次。') : sentence(error))
    return { state: 'refused', error: refusal }
  }
}

export function discard(key: string): void {
  const item = items().find((other) => other.key === key)
  if (item) remove(item)
}

function remove(item: Item): void {
  for (const path of [...item.photos, ...(item.sound ? [item.sound] : [])]) removeFile(path)
  drop(item.key)
}

/** Takes an item out without its files, for whoever goes on writing it. */
export function release(key: string): Item | undefined {
  const item = items().find((other) => other.key === key)
  drop(key)
  return item
}

/** A refused item is to be tried once more, with the key it had: somebody has looked at it. */
export function again(key: string): void {
  write(all().map((item) => (item.key === key ? { ...item, refused: undefined, anew: undefined, since: item.refused ? Date.now() : item.since } : item)))
}

export function removeFile(filePath: string): void {
  wx.getFileSystemManager().removeSavedFile({ filePath, fail: () => undefined })
}

/** Sends what waits, in order; ends at once when the network is away. What the server fails at waits, and only what is
 * to follow on the same matter with it; where somebody has to sign in, what they wrote in that role waits. */
export function flush(): Promise<void> {
  if (sending) anew = true // what is asked for while it fails without a network may come with one
  else sending = rounds().finally(() => (sending = null))
  return sending as Promise<void>
}

async function rounds(): Promise<void> {
  do {
    anew = false
    await run()
  } while (anew)
}

async function run(): Promise<void> {
  const broken = new Set<string>()
  const held = new Set<As>()
  clearTimeout(pause)
  letGoOfOld()
  for (let next = first(broken, held); next; next = first(broken, held)) {
    try {
      const data = await deliver(next)
      const files = [...next.photos, ...(next.sound ? [next.sound] : [])]
      drop(next.key)
      files.forEach(removeFile)
      settle(next.key, { state: 'sent', data })
      opened(next.as)
    } catch (error) {
      if (error instanceof Offline) return soon() // a phone does not always notice that the network is back
      const refusal = error instanceof Refused ? error : new Refused(0, 'broken', sentence(error))
      if (refusal.status === 401) {
        held.add(next.as)
        if (isMine(next)) shut.add(next.as)
        tellAll()
      } else if (refusal.status === 500) {
        broken.add(about(next))
        soon()
      } else if (later(refusal)) {
        soon()
        if (refusal.status === 403) broken.add(about(next)) // something in between dislikes these words, not the others
        else if (refusal.status === 429) held.add(next.as) // the limit is each account's own
        else return
      } else if (gone(refusal, next)) {
        update({ ...next, sent: {}, anew: true })
      } else {
        if (waiting.has(next.key)) drop(next.key)
        else refuse(next, refusal)
        settle(next.key, { state: 'refused', error: refusal })
      }
    }
  }
}

const first = (broken: Set<string>, held: Set<As>): Item | undefined =>
  items().find((item) => !item.refused && !held.has(item.as) && !broken.has(about(item)))

const refuse = (item: Item, { message, code, ways }: Refused): void => update({ ...item, refused: { message, code, ways } })

function opened(as: As): void {
  if (shut.delete(as)) tellAll()
}

function soon(): void {
  clearTimeout(pause)
  pause = setTimeout(() => void flush(), PAUSE)
}

/** What has waited so long that the server may not know a repeat any more is not sent by itself. */
function letGoOfOld(): void {
  const limit = Date.now() - TRY
  for (const item of all().filter((one) => !isMine(one) && one.since < Date.now() - OTHERS)) remove(item)
  for (const item of items()) {
    if (!item.refused && item.since < limit) refuse(item, new Refused(0, 'old', t('放了 7 天没有送出，情况可能变了。请打开这件事核对后再办。')))
  }
}

/** The matter an act is about; what is no act stands for itself. */
const about = (item: Item): string => (item.path.includes('/acts/') ? item.path.split('/acts/')[0]! : item.key)

/** Not the fault of what was written: the server is restarting, has no time, or something in between has said no. */
const later = ({ status, code }: Refused): boolean =>
  status > 500 || [408, 425, 429].includes(status) || (status === 403 && code !== 'not_allowed')

/** Whether the server has forgotten the files; they are sent once more, not again and again. */
const gone = ({ field }: Refused, item: Item): boolean =>
  (field === 'photos' || field === 'sound') && !item.anew && Object.keys(item.sent).length > 0

function settle(key: string, outcome: Outcome): void {
  waiting.get(key)?.(outcome)
  waiting.delete(key)
}

async function deliver(item: Item): Promise<unknown> {
  const still = (): void => {
    if (!isMine(item)) throw new Refused(401, 'unauthorised', t('请先登录。')) // somebody else has come in meanwhile
  }
  if (item.uploaded && item.uploaded < Date.now() - FRESH) item.sent = {}
  const id = async (what: 'photo' | 'sound', path: string): Promise<string> => {
    if (!item.sent[path]) {
      if (!Object.keys(item.sent).length) item.uploaded = Date.now()
      still()
      item.sent = { ...item.sent, [path]: await upload(what, path, item.as) }
      update(item)
    }
    return item.sent[path]
  }
  const body = { ...item.body }
  if (item.photos.length) {
    const ids = [...((item.body.photos as string[] | undefined) || [])]
    for (const path of item.photos) ids.push(await id('photo', path))
    body.photos = ids
  }
  if (item.sound) body.sound = await id('sound', item.sound)
  still()
  return ask('POST', item.path, { as: item.as, body, key: item.key })
}

/** Whether something of ours waits for us to sign in, and as whom. */
export const signinFor = (list: Item[]): As | '' => list.find((item) => !item.refused && shut.has(item.as))?.as || ''

/** "2 条等着送出": what the strip on top of a page says; empty when there is nothing. */
export function waitingWords(list: Item[]): string {
  const open = list.filter((item) => !item.refused)
  const barred = open.filter((item) => shut.has(item.as)).length
  const rest = open.length - barred
  return [
    barred ? t('请先登录：%(n)s 条已存在手机里，登录后自动送出。', { n: barred }) : '',
    rest ? t('没有信号。%(n)s 条已存在手机里，连上自动送出。', { n: rest }) : '',
  ].filter(Boolean).join(' ')
}

/** What is told of others' acts: how many there are, not one of their words. */
export const othersWords = (): string => {
  const count = others()
  return count ? t('手机里还有 %(n)s 条没送出，等写的人登录后再送。', { n: count }) : ''
}
