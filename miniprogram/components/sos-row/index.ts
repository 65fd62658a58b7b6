import { dressed } from '../../lib/page'

/** In danger: the three numbers, one tap each. */
Component({
  behaviors: [dressed],
  data: { numbers: ['110', '119', '120'] },
  methods: {
    call(event: WechatMiniprogram.BaseEvent) {
      wx.makePhoneCall({ phoneNumber: String(event.currentTarget.dataset.number), fail: () => undefined })
    },
  },
})
