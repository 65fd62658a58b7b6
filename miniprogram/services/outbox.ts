// What has to reach the server and has not yet: kept on the phone, so that neither a dead network nor a killed app
// loses it. Sent in order, one at a time, each with the key it was given when written, so that a repeat does nothing.
// What the server refuses stays, with its reason, until its writer has looked at it.
import { t } from '../lib/look'
import { ask, newKey, Offline, Refused, sentence, upload } from './api'
import type { Draft } from './drafts'
import type { As } from './session'

export interface Item {
  key: string
  as: As
  /** For whom sees it in the list: what it is, in a few words. */
  title: string
  path: string
  body: Record<string, unknown>
  /** Files still on the phone; an uploaded one is the id it got. Photos go into body.photos, a sound into body.sound. */
  photos: string[]
  sound?: string
  /** Ids of what was uploaded already. */
  sent: Record<string, string>
  since: number
  /** The report it was made from, so that a refused one can be put right. */
  draft?: Draft
  refused?: { message: string; code: string; ways: Refused['ways'] }
}

type Told = (items: Item[]) => void

const told = new Set<Told>()
let sending: Promise<void> | null = null
let watching = false

export const items = (): Item[] => (wx.getStorageSync('outbox') as Item[] | '') || []

function write(list: Item[]): void {
  wx.setStorageSync('outbox', list)
  told.forEach((tell) => tell(list))
}

const update = (item: Item): void => write(items().map((other) => (other.key === item.key ? item : other)))
const drop = (key: string): void => write(items().filter((other) => other.key !== key))

export function watchOutbox(tell: Told): () => void {
  told.add(tell)
  tell(items())
  return () => told.delete(tell)
}

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

/** Writes it down, then tries to send it: sent, kept for later, or refused (and then not kept: its form is still open). */
export async function send(what: Pick<Item, 'as' | 'title' | 'path' | 'body'> & Partial<Pick<Item, 'photos' | 'sound' | 'draft'>>): Promise<Outcome> {
  const item: Item = { photos: [], sent: {}, ...what, key: newKey(), since: Date.now() }
  write([...items(), item])
  const outcome = new Promise<Outcome>((resolve) => waiting.set(item.key, resolve))
  await flush()
  if (waiting.has(item.key)) {
    // It waits behind another one, or the network is away.
    waiting.delete(item.key)
    return { state: 'kept' }
  }
  return outcome
}

export function discard(key: string): void {
  const item = items().find((other) => other.key === key)
  for (const path of item ? [...item.photos, ...(item.sound ? [item.sound] : [])] : []) removeFile(path)
  drop(key)
}

/** Takes an item out without its files, for whoever goes on writing it. */
export function release(key: string): Item | undefined {
  const item = items().find((other) => other.key === key)
  drop(key)
  return item
}

/** A refused item is to be tried once more, with the key it had. */
export function again(key: string): void {
  write(items().map((item) => (item.key === key ? { ...item, refused: undefined } : item)))
}

export function removeFile(filePath: string): void {
  wx.getFileSystemManager().removeSavedFile({ filePath, fail: () => undefined })
}

/** Sends what waits, in order; ends at once when the network is away. What the server fails at waits, and only what is
 * to follow on the same matter with it. */
export function flush(): Promise<void> {
  sending = sending || run().finally(() => (sending = null))
  return sending
}

async function run(): Promise<void> {
  const broken = new Set<string>()
  for (let next = first(broken); next; next = first(broken)) {
    try {
      const data = await deliver(next)
      const files = [...next.photos, ...(next.sound ? [next.sound] : [])]
      drop(next.key)
      files.forEach(removeFile)
      settle(next.key, { state: 'sent', data })
    } catch (error) {
      if (error instanceof Refused && error.status === 500) {
        broken.add(about(next))
        continue
      }
      if (error instanceof Offline || (error instanceof Refused && later(error))) return
      const refusal = error instanceof Refused ? error : new Refused(0, 'broken', sentence(error))
      if (waiting.has(next.key)) drop(next.key)
      else update({ ...next, refused: { message: refusal.message, code: refusal.code, ways: refusal.ways } })
      settle(next.key, { state: 'refused', error: refusal })
    }
  }
}

const first = (broken: Set<string>): Item | undefined => items().find((item) => !item.refused && !broken.has(about(item)))

/** The matter an act is about; what is no act stands for itself. */
const about = (item: Item): string => (item.path.includes('/acts/') ? item.path.split('/acts/')[0]! : item.key)

// Not the fault of what was written: the server is restarting, or whoever wrote it has to sign in again.
const later = (error: Refused): boolean => error.status >= 500 || error.status === 401

function settle(key: string, outcome: Outcome): void {
  waiting.get(key)?.(outcome)
  waiting.delete(key)
}

async function deliver(item: Item): Promise<unknown> {
  const id = async (what: 'photo' | 'sound', path: string): Promise<string> => {
    if (!item.sent[path]) {
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
  return ask('POST', item.path, { as: item.as, body, key: item.key })
}

/** "2 条等着送出": what the strip on top of a page says; empty when there is nothing. */
export function waitingWords(list: Item[]): string {
  const count = list.filter((item) => !item.refused).length
  return count ? t('没有信号。%(n)s 条已存在手机里，连上自动送出。', { n: count }) : ''
}
