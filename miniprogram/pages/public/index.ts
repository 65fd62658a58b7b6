import { joined } from '../../lib/lists'
import { t } from '../../lib/look'
import { fill, page } from '../../lib/page'
import type { List } from '../../lib/shapes'
import { showTab } from '../../lib/tabs'
import { get } from '../../services/api'

interface Item {
  token: string
  title: string
  place: string
  community: string
  phase: string
  outcome_words: string
  closed_words: string
  headcount: number
}

page({
  heading: () => t('大家的事'),
  data: { items: [] as Item[], older: '' },
  onLoad() {
    void this.load()
  },
  onShow() {
    showTab(this)
  },
  load() {
    return fill(this, async () => {
      const { items, older } = await get<List<Item>>('/public')
      return { items, older: older || '' }
    })
  },
  more() {
    const { items, older } = this.data
    return fill(this, async () => joined(items, await get<List<Item>>(`/public?before=${encodeURIComponent(older)}`), (item) => item.token))
  },
  open(event: WechatMiniprogram.BaseEvent) {
    wx.navigateTo({ url: `/pages/public/detail/index?token=${encodeURIComponent(String(event.currentTarget.dataset.token))}` })
  },
})
