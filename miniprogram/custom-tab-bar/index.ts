import { t } from '../lib/look'
import { dressed } from '../lib/page'
import { watchAccount } from '../services/session'

let waiting = 0 // matters that wait for their reporter, as the first page was told
watchAccount((_, other) => other && (waiting = 0))

/** The bar at the bottom, in the reader's size and language. Its number counts only what waits for this reader. */
Component({
  behaviors: [dressed],
  data: {
    tabs: [] as { path: string; glyph: string; words: string }[],
    counted: 'pages/matters/index',
    here: '',
    count: 0,
  },
  observers: {
    lang() {
      this.setData({
        tabs: [
          { path: 'pages/home/index', glyph: 'home', words: t('首页') },
          { path: 'pages/matters/index', glyph: 'list', words: t('我的事') },
          { path: 'pages/public/index', glyph: 'open', words: t('大家的事') },
          { path: 'pages/me/index', glyph: 'user', words: t('我的') },
        ],
      })
    },
  },
  methods: {
    /** Called by the page at every onShow; with a number when it knows how many matters wait. */
    refresh(count?: number) {
      if (count !== undefined) waiting = count
      const pages = getCurrentPages()
      this.setData({ here: pages[pages.length - 1].route, count: waiting })
    },
    go(event: WechatMiniprogram.BaseEvent) {
      const path = String(event.currentTarget.dataset.path)
      if (path !== this.data.here) wx.switchTab({ url: `/${path}` })
    },
  },
})
