import { t } from '../../../lib/look'
import { fill, page } from '../../../lib/page'
import type { Due } from '../../../lib/shapes'
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
  data: { items: [] as Row[] },
  onShow() {
    void this.load()
  },
  load() {
    return fill(this, async () => ({ items: (await get<{ items: Row[] }>('/desk/threads', 'staff')).items }))
  },
  open(event: WechatMiniprogram.BaseEvent) {
    wx.navigateTo({ url: `/packages/desk/thread/index?id=${event.currentTarget.dataset.id}` })
  },
})
