import { t } from '../../../lib/look'
import { fill, page } from '../../../lib/page'
import type { Due, List, Said } from '../../../lib/shapes'
import { get } from '../../../services/api'
import { send } from '../../../services/outbox'
import { dropWritten, keepWritten, written } from '../../../services/written'

const here = (id: string): string => `/desk/threads/${id}`

interface Thread extends List<Said> {
  name: string
  grid: string
  home: string | null
  due: Due | null
}

page({
  heading: () => t('居民的消息'),
  data: { id: '', name: '', grid: '', home: '', due: null as Due | null, items: [] as Said[], older: '', body: '', photos: [] as string[], busy: false },
  onLoad(query: Record<string, string | undefined>) {
    const id = query.id || ''
    this.setData({ id, ...written<{ body: string; photos: string[] }>('staff', here(id)) })
    void this.load()
  },
  load() {
    return fill(this, async () => {
      const { name, grid, home, due, items, older } = await get<Thread>(`/desk/threads/${this.data.id}`, 'staff')
      return { name, grid, home: home || '', due, items, older: older || '' }
    })
  },
  more() {
    return fill(this, async () => {
      const { items, older } = await get<Thread>(`/desk/threads/${this.data.id}?before=${encodeURIComponent(this.data.older)}`, 'staff')
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
    keepWritten('staff', here(this.data.id), { body: this.data.body, photos: this.data.photos })
  },
  async send() {
    const { id, name, body, photos } = this.data
    if (!body.trim() && !photos.length) return this.setData({ problem: t('请写一句，或者选一张照片。') })
    this.setData({ busy: true, problem: '' })
    const outcome = await send({ as: 'staff', title: t('回复%(name)s', { name }), path: here(id), photos, body: { body } })
    this.setData({ busy: false })
    if (outcome.state === 'refused') return this.setData({ problem: outcome.error.message })
    dropWritten(here(id))
    this.setData({ body: '', photos: [] })
    if (outcome.state === 'sent') await this.load()
  },
})
