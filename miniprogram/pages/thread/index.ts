import { t } from '../../lib/look'
import { fill, page } from '../../lib/page'
import type { List, PhotoRef, Said, WorkerCard } from '../../lib/shapes'
import { get, Refused } from '../../services/api'
import { begin } from '../../services/drafts'
import { send } from '../../services/outbox'
import { dropWritten, keepWritten, written } from '../../services/written'

const HERE = '/thread'

interface Thread extends List<Said> {
  worker: WorkerCard | null
  can_write: boolean
  open: boolean
  opens_words: string | null
  dial: { number: string; why: string }[]
}

page({
  heading: () => t('问网格员'),
  data: {
    worker: null as WorkerCard | null,
    items: [] as Said[],
    older: '',
    writes: true,
    open: true,
    opens: '',
    dial: [] as Thread['dial'],
    body: '',
    photos: [] as string[],
    ways: [] as Refused['ways'],
    busy: false,
  },
  onShow() {
    if (!this.data.body && !this.data.photos.length) this.setData({ body: '', photos: [], ...written<{ body: string; photos: string[] }>('resident', HERE) })
    void this.load()
  },
  load() {
    return fill(this, async () => {
      const { worker, items, older, can_write, open, opens_words, dial } = await get<Thread>('/thread')
      return { worker, items, older: older || '', writes: can_write, open, opens: opens_words || '', dial }
    })
  },
  more() {
    return fill(this, async () => {
      const { items, older } = await get<Thread>(`/thread?before=${encodeURIComponent(this.data.older)}`)
      return { items: [...items, ...this.data.items], older: older || '' }
    })
  },
  type(event: WechatMiniprogram.Input) {
    this.put({ body: event.detail.value })
  },
  take(event: WechatMiniprogram.CustomEvent<{ photos: string[] }>) {
    this.put({ photos: event.detail.photos })
  },
  put(part: { body?: string; photos?: string[] }) {
    this.setData(part)
    keepWritten('resident', HERE, { body: this.data.body, photos: this.data.photos })
  },
  send() {
    return this.give(false)
  },
  sure() {
    return this.give(true)
  },
  async give(not_integrity: boolean) {
    const { body, photos } = this.data
    if (!body.trim() && !photos.length) return this.setData({ problem: t('请写一句，或者选一张照片。') })
    this.setData({ busy: true, problem: '', ways: [] })
    const outcome = await send({ as: 'resident', title: body || t('一条消息'), path: '/thread', photos, body: { body, not_integrity } })
    this.setData({ busy: false })
    if (outcome.state === 'refused') {
      const { message, code, ways } = outcome.error
      return this.setData({ problem: message, ways: code === 'integrity' ? ways : [] })
    }
    dropWritten(HERE)
    this.setData({ body: '', photos: [] })
    if (outcome.state === 'sent') await this.load()
  },
  /** A message that somebody has to act on becomes a report; its time starts the clock. */
  async report(event: WechatMiniprogram.CustomEvent<{ id: number }>) {
    await fill(this, async () => {
      const from = await get<{ message: number; text: string; photos: PhotoRef[] }>(`/thread/${event.detail.id}/report`)
      begin({ message: from.message, text: from.text, known: from.photos.map((photo) => photo.id) })
      wx.navigateTo({ url: '/pages/report/what/index' })
      return {}
    })
  },
  bind() {
    wx.navigateTo({ url: '/pages/bind/index' })
  },
})
