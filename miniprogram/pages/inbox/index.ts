import { joined } from '../../lib/lists'
import { t } from '../../lib/look'
import { fill, page } from '../../lib/page'
import type { List } from '../../lib/shapes'
import { ask, get } from '../../services/api'

interface Message {
  id: number
  title: string
  body: string
  at_words: string
  read: boolean
  matter: string | null
}

page({
  heading: () => t('消息'),
  data: { items: [] as Message[], older: '' },
  onShow() {
    void this.load()
  },
  load() {
    return fill(this, async () => {
      const { items, older } = await get<List<Message>>('/inbox')
      if (items.some((message) => !message.read)) void ask('POST', '/inbox/read', { body: { up_to: items[0].id } }).catch(() => undefined)
      return { items, older: older || '' }
    })
  },
  more() {
    const { items, older } = this.data
    return fill(this, async () => joined(items, await get<List<Message>>(`/inbox?before=${encodeURIComponent(older)}`), (message) => message.id))
  },
  open(event: WechatMiniprogram.BaseEvent) {
    const { matter } = event.currentTarget.dataset
    if (matter) wx.navigateTo({ url: `/pages/matter/index?number=${matter}` })
  },
})
