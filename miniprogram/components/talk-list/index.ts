import { dressed } from '../../lib/page'
import type { Said } from '../../lib/shapes'

/** What was said in a thread, oldest first. */
Component({
  behaviors: [dressed],
  properties: { items: { type: Array, value: [] as Said[] }, staff: Boolean },
  methods: {
    open(event: WechatMiniprogram.BaseEvent) {
      const number = String(event.currentTarget.dataset.number)
      wx.navigateTo({ url: this.data.staff ? `/packages/desk/case/index?number=${number}` : `/pages/matter/index?number=${number}` })
    },
    report(event: WechatMiniprogram.BaseEvent) {
      this.triggerEvent('report', { id: Number(event.currentTarget.dataset.id) })
    },
  },
})
