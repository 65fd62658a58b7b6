import { joined } from '../../lib/lists'
import { t } from '../../lib/look'
import { fill, page } from '../../lib/page'
import type { List, MatterCard } from '../../lib/shapes'
import { showTab } from '../../lib/tabs'
import { get } from '../../services/api'

page({
  heading: () => t('我的事'),
  data: { tab: 'open', items: [] as MatterCard[], older: '' },
  onShow() {
    showTab(this)
    void this.load()
  },
  load() {
    return fill(this, async () => {
      const { items, older } = await get<List<MatterCard>>(`/matters?tab=${this.data.tab}`)
      if (this.data.tab === 'open') showTab(this, items.filter((card) => card.turn).length)
      return { items, older: older || '' }
    }, 'list')
  },
  more() {
    const { tab, items, older } = this.data
    return fill(this, async () => joined(items, await get<List<MatterCard>>(`/matters?tab=${tab}&before=${encodeURIComponent(older)}`), (card) => card.number), 'list', false)
  },
  turn(event: WechatMiniprogram.BaseEvent) {
    this.setData({ tab: String(event.currentTarget.dataset.tab), items: [], older: '', state: 'loading' })
    void this.load()
  },
  report() {
    wx.navigateTo({ url: '/pages/report/what/index' })
  },
})
