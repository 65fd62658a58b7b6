import { dressed } from '../../lib/page'
import { waitingWords, watchOutbox } from '../../services/outbox'

/** On top of a page: what waits to be sent, loading, a dead network, a refusal, a word of thanks. */
Component({
  behaviors: [dressed],
  properties: { state: String, problem: String, thanks: String, staff: Boolean },
  data: { waiting: '', refused: 0 },
  lifetimes: {
    attached() {
      const stop = watchOutbox((list) =>
        this.setData({ waiting: waitingWords(list), refused: list.filter((item) => item.refused).length }),
      )
      Object.assign(this, { stopOutbox: stop })
    },
    detached() {
      ;(this as unknown as { stopOutbox: () => void }).stopOutbox()
    },
  },
  methods: {
    again() {
      this.triggerEvent('again')
    },
    signin() {
      wx.navigateTo({ url: this.data.staff ? '/packages/desk/signin/index' : '/pages/signin/index' })
    },
    outbox() {
      wx.navigateTo({ url: '/pages/outbox/index' })
    },
  },
})
