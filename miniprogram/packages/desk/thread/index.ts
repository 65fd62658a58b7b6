import { t } from '../../../lib/look'
import { fill, page } from '../../../lib/page'
import type { Due, List, Said } from '../../../lib/shapes'
import { get } from '../../../services/api'
import { send } from '../../../services/outbox'

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
    this.setData({ id: query.id || '' })
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
    this.setData({ body: event.detail.value })
  },
  take(event: WechatMiniprogram.CustomEvent<{ photos: string[] }>) {
    this.setData({ photos: event.detail.photos })
  },
  async send() {
    const { id, name, body, photos } = this.data
    if (!body.trim() && !photos.length) return this.setData({ problem: t('请写一句，或者选一张照片。') })
    this.setData({ busy: true, problem: '' })
    const outcome = await send({ as: 'staff', title: t('回复%(name)s', { name }), path: `/desk/threads/${id}`, photos, body: { body } })
    this.setData({ busy: false })
    if (outcome.state === 'refused') return this.setData({ problem: outcome.error.message })
    this.setData({ body: '', photos: [] })
    if (outcome.state === 'sent') await this.load()
  },
})
