import { dressed } from '../../lib/page'
import type { PhotoRef } from '../../lib/shapes'
import { picture } from '../../services/api'

type Shown = PhotoRef & { path: string; failed: boolean }

/** Photos of the server, fetched with the reader's token; the caption says whose and when, after-photos are green. */
Component({
  behaviors: [dressed],
  properties: { photos: { type: Array, value: [] as PhotoRef[] }, two: Boolean, staff: Boolean },
  data: { shown: [] as Shown[] },
  observers: {
    'photos, staff'(photos: PhotoRef[]) {
      const known = new Map(this.data.shown.map((photo) => [photo.id, photo.path]))
      this.setData({ shown: photos.map((photo) => ({ ...photo, path: known.get(photo.id) || '', failed: false })) })
      this.data.shown.forEach((photo, n) => {
        if (photo.path) return
        picture(photo.thumb, this.data.staff ? 'staff' : 'resident').then(
          (path) => this.put(n, photo.id, { path }),
          () => this.put(n, photo.id, { failed: true }),
        )
      })
    },
  },
  methods: {
    put(n: number, id: string, part: Partial<Shown>) {
      const photo = this.data.shown[n]
      if (photo && photo.id === id) this.setData({ [`shown[${n}]`]: { ...photo, ...part } })
    },
    async open(event: WechatMiniprogram.BaseEvent) {
      const as = this.data.staff ? 'staff' : 'resident'
      const photo = this.data.shown[Number(event.currentTarget.dataset.n)]
      const path = await picture(photo.url, as).catch(() => photo.path)
      if (path) wx.previewImage({ urls: [path], current: path, fail: () => undefined })
    },
  },
})
