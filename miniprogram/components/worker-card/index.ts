import { dressed } from '../../lib/page'
import type { WorkerCard } from '../../lib/shapes'
import { address } from '../../services/api'

/** Who serves a place, like the enamel plate at its door: one tap calls them. */
Component({
  behaviors: [dressed],
  properties: {
    card: { type: Object as never, value: null as WorkerCard | null },
    place: String,
    yours: Boolean,
    /** What stands here when nobody is known: a message id and a sentence of the words' catalogue. */
    none: String,
    why: String,
  },
  data: { face: '' },
  observers: {
    card(card: WorkerCard | null) {
      this.setData({ face: card && card.photo ? address(card.photo) : '' })
    },
  },
  methods: {
    call() {
      const card = this.data.card as WorkerCard | null
      if (card && card.phone) wx.makePhoneCall({ phoneNumber: card.phone, fail: () => undefined })
    },
    write() {
      wx.navigateTo({ url: '/pages/thread/index' })
    },
  },
})
