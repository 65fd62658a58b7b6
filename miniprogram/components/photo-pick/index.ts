import { dressed } from '../../lib/page'
import { takePhotos } from '../../services/files'
import { sentence } from '../../services/api'
import { removeFile } from '../../services/outbox'

/** Photos to be sent: taken or chosen, kept on the phone; the page hears of every change. */
Component({
  behaviors: [dressed],
  properties: {
    label: String,
    required: Boolean,
    problem: String,
    most: { type: Number, value: 9 },
    photos: { type: Array, value: [] as string[] },
  },
  methods: {
    async take() {
      const { photos, most } = this.data
      try {
        const more = await takePhotos(most - photos.length)
        if (more.length) this.triggerEvent('photos', { photos: [...photos, ...more] })
      } catch (error) {
        wx.showToast({ title: sentence(error), icon: 'none' })
      }
    },
    drop(event: WechatMiniprogram.BaseEvent) {
      const n = Number(event.currentTarget.dataset.n)
      removeFile(this.data.photos[n])
      this.triggerEvent('photos', { photos: this.data.photos.filter((_, other) => other !== n) })
    },
  },
})
