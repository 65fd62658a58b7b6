import { joined } from '../../../lib/lists'
import { t } from '../../../lib/look'
import { fill, page } from '../../../lib/page'
import type { DeskCard, List } from '../../../lib/shapes'
import { ask, get } from '../../../services/api'
import { send } from '../../../services/outbox'
import { leave } from '../../../services/session'
import { askToTell, templatesOf } from '../../../services/subscription'

type Row = DeskCard & { urgent: boolean; next: boolean }

const URGENT = ['U0', 'U1']
/** The first one that can be taken on stands out: one such button on a screen. */
function rows(items: DeskCard[]): Row[] {
  const next = items.find((card) => card.quick)
  return items.map((card) => ({ ...card, urgent: URGENT.includes(card.urgency), next: card === next }))
}

page({
  heading: () => t('待办'),
  data: { tab: 'todo', items: [] as Row[], older: '', busy: '', thanks: '', asking: [] as string[] },
  onShow() {
    void templatesOf('staff', 'task').then((asking) => this.setData({ asking }))
    void this.load()
  },
  load() {
    return fill(this, async () => {
      const { items, older } = await get<List<DeskCard>>(`/desk/list?tab=${this.data.tab}`, 'staff')
      return { items: rows(items), older: older || '' }
    }, 'list')
  },
  more() {
    const { tab, items, older } = this.data
    return fill(this, async () => {
      const more = await get<List<DeskCard>>(`/desk/list?tab=${tab}&before=${encodeURIComponent(older)}`, 'staff')
      const all = joined<DeskCard>(items, more, (card) => card.number)
      return { items: rows(all.items), older: all.older }
    }, 'list', false)
  },
  turn(event: WechatMiniprogram.BaseEvent) {
    this.setData({ tab: String(event.currentTarget.dataset.tab), items: [], older: '', state: 'loading', thanks: '' })
    void this.load()
  },
  /** Taken on in one tap, also where there is no signal: it is sent as soon as there is. */
  async accept(event: WechatMiniprogram.BaseEvent) {
    const { number, title, name } = event.currentTarget.dataset as { number: string; title: string; name: string }
    this.setData({ busy: number, problem: '', thanks: '' })
    const outcome = await send({ as: 'staff', title: t('签收：%(title)s', { title }), path: `/desk/cases/${number}/acts/${name}`, body: { said: {} } })
    this.setData({ busy: '' })
    if (outcome.state === 'kept') return this.setData({ items: rows(this.data.items.map((card) => (card.number === number ? { ...card, quick: null } : card))) })
    await this.load()
    if (outcome.state === 'refused') this.setData({ problem: outcome.error.message })
    else this.setData({ thanks: t('签收了：%(title)s', { title }) })
  },
  open(event: WechatMiniprogram.BaseEvent) {
    wx.navigateTo({ url: `/packages/desk/case/index?number=${event.currentTarget.dataset.number}` })
  },
  patrol() {
    wx.navigateTo({ url: '/packages/desk/patrol/index' })
  },
  day() {
    wx.navigateTo({ url: '/packages/desk/day/index' })
  },
  threads() {
    wx.navigateTo({ url: '/packages/desk/threads/index' })
  },
  async tellMe() {
    await askToTell(this.data.asking, 'staff')
    this.setData({ asking: [] })
  },
  signout() {
    void ask('DELETE', '/session', { as: 'staff' }).catch(() => undefined)
    leave('staff')
    wx.reLaunch({ url: '/pages/me/index' })
  },
})
