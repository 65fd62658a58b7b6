import { t } from '../../../lib/look'
import { fill, page } from '../../../lib/page'
import { get } from '../../../services/api'
import { send } from '../../../services/outbox'

interface Item {
  n: number | null
  kind: string
  ref: string
  title: string
  place: string
  window: 'urgent' | 'overdue' | 'today'
  due_on: string | null
  tries: number
}
interface Day {
  items: Item[]
  more: boolean
  far_words: string
}

page({
  heading: () => t('今天'),
  data: { items: [] as Item[], more: false, far: '', busy: '', thanks: '' },
  onShow() {
    void this.load()
  },
  load() {
    return fill(this, async () => {
      const day = await get<Day>('/desk/day', 'staff')
      return { items: day.items, more: day.more, far: day.far_words }
    })
  },
  open(event: WechatMiniprogram.BaseEvent) {
    const { kind, ref } = event.currentTarget.dataset as { kind: string; ref: string }
    if (kind === 'matter') wx.navigateTo({ url: `/packages/desk/case/index?number=${ref}` })
  },
  /** Done at the door, also where there is no signal: it is sent as soon as there is. */
  async visited(event: WechatMiniprogram.BaseEvent) {
    const { ref, outcome } = event.currentTarget.dataset as { ref: string; outcome: string }
    const item = this.data.items.find((one) => one.ref === ref)
    if (!item || this.data.busy) return
    this.setData({ busy: ref, problem: '', thanks: '' })
    const title = t('走访：%(place)s', { place: item.place })
    // When it was, not when it gets through: it may wait for days.
    const body = { due: item.due_on, outcome, at: new Date().toISOString() }
    const sent = await send({ as: 'staff', title, path: `/desk/visits/${ref}`, body })
    this.setData({ busy: '' })
    if (sent.state === 'kept') return this.setData({ items: this.data.items.filter((one) => one.ref !== ref) })
    await this.load()
    if (sent.state === 'refused') this.setData({ problem: sent.error.message })
    else this.setData({ thanks: t('记下了：%(place)s', { place: item.place }) })
  },
})
