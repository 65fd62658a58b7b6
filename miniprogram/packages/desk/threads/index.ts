import { t } from '../../../lib/look'
import { fill, page } from '../../../lib/page'
import type { Due, List } from '../../../lib/shapes'
import { get } from '../../../services/api'

interface Row {
  id: number
  name: string
  grid: string
  waiting: boolean
  due: Due | null
  last_words: string
}

page({
  heading: () => t('居民的消息'),
  data: { items: [] as Row[], older: '' },
  onShow() {
    void this.load()
  },
  load() {
    return fill(this, async () => {
      const { items, older } = await get<List<Row>>('/desk/threads', 'staff')
      return { items, older: older || '' }
    })
  },
  more() {
    return fill(this, async () => {
      const { items, older } = await get<List<Row>>(`/desk/threads?before=${encodeURIComponent(this.data.older)}`, 'staff')
      return { items: [...this.data.items, ...items], older: older || '' }
    })
  },
  open(event: WechatMiniprogram.BaseEvent) {
    wx.navigateTo({ url: `/packages/desk/thread/index?id=${event.currentTarget.dataset.id}` })
  },
})
