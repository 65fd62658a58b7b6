import { change, t } from '../../lib/look'
import { fill, page } from '../../lib/page'
import { showTab } from '../../lib/tabs'
import type { Home } from '../../lib/shapes'
import { again, get } from '../../services/api'
import { remember } from '../../services/subscription'
import { scanPlate } from '../../services/scan'

let known = false // whether WeChat was asked in this run of the app

page({
  heading: () => t('微连心'),
  data: { home: null as Home | null },
  onShow() {
    showTab(this)
    void this.load()
  },
  onPullDownRefresh() {
    void this.load().then(() => wx.stopPullDownRefresh())
  },
  /** All of the page in one request; whoever has signed in here before is then known by WeChat alone. */
  async load() {
    await fill(this, async () => {
      const home = await get<Home>('/home')
      remember(home.templates)
      showTab(this, home.waiting.filter((card) => card.turn).length)
      return { home }
    })
    const { home } = this.data
    if (home && !home.account && !known) {
      known = true
      if (await again('resident')) await this.load()
    }
  },
  large() {
    change({ elder: this.data.elder ? '' : 'elder' })
  },
  speak() {
    change({ lang: this.data.lang === 'en' ? 'zh' : 'en' })
    void this.load()
  },
  scan: scanPlate,
  bind() {
    wx.navigateTo({ url: '/pages/bind/index' })
  },
  report() {
    wx.navigateTo({ url: '/pages/report/what/index' })
  },
  matters() {
    wx.switchTab({ url: '/pages/matters/index' })
  },
  inbox() {
    wx.navigateTo({ url: '/pages/inbox/index' })
  },
  thread() {
    wx.navigateTo({ url: '/pages/thread/index' })
  },
})
