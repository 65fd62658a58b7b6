import { t } from '../../lib/look'
import { dressed } from '../../lib/page'
import type { Sound } from '../../lib/shapes'
import { picture } from '../../services/api'

let player: WechatMiniprogram.InnerAudioContext | null = null

/** A voice note: the sound as it was said (of the server, or of this phone at `path`), and what a person wrote down. */
Component({
  behaviors: [dressed],
  properties: { sound: { type: Object as never, value: null as Sound | null }, path: String, seconds: Number, staff: Boolean },
  data: { playing: false },
  lifetimes: {
    detached() {
      if (this.data.playing) player?.stop()
    },
  },
  methods: {
    async play() {
      player?.stop()
      if (this.data.playing) return this.setData({ playing: false })
      const sound = this.data.sound as Sound | null
      try {
        const path = this.data.path || (await picture(String(sound && sound.url), this.data.staff ? 'staff' : 'resident'))
        player = wx.createInnerAudioContext()
        player.onEnded(() => this.setData({ playing: false }))
        player.onError(() => this.setData({ playing: false }))
        player.src = path
        player.play()
        this.setData({ playing: true })
      } catch {
        wx.showToast({ title: t('录音没有打开，请再试一次。'), icon: 'none' })
      }
      return undefined
    },
  },
})
