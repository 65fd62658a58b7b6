import { change, t } from '../../lib/look'
import { fill, page } from '../../lib/page'
import type { Account } from '../../lib/shapes'
import { showTab } from '../../lib/tabs'
import { ask, get } from '../../services/api'
import { othersWords } from '../../services/outbox'
import { leave, session } from '../../services/session'
import { SERVER } from '../../server'

interface Me {
  account: Account
  dwellings: { place: number; name: string; relation_words: string }[]
}

page({
  heading: () => t('我的'),
  data: { me: null as Me | null, unsent: '' },
  onShow() {
    showTab(this)
    this.setData({ unsent: othersWords() })
    void this.load()
  },
  load() {
    if (!session('resident')) return Promise.resolve(this.setData({ state: 'signin', me: null }))
    return fill(this, async () => ({ me: await get<Me>('/me') }))
  },
  signin() {
    wx.navigateTo({ url: '/pages/signin/index' })
  },
  bind() {
    wx.navigateTo({ url: '/pages/bind/index' })
  },
  async unbind(event: WechatMiniprogram.BaseEvent) {
    const { place, name } = event.currentTarget.dataset
    const { confirm } = await wx.showModal({ title: t('解除这处住处？'), content: String(name), confirmText: t('解除'), cancelText: t('留着') })
    if (!confirm) return
    await fill(this, async () => {
      await ask('DELETE', `/dwellings/${place}`)
      return { me: await get<Me>('/me') }
    })
  },
  large() {
    change({ elder: this.data.elder ? '' : 'elder' })
  },
  speak() {
    const lang = this.data.lang === 'en' ? 'zh' : 'en'
    change({ lang })
    if (session('resident')) void ask('PUT', '/me', { body: { language: lang === 'en' ? 'en' : 'zh-hans' } }).then(() => void this.load(), () => undefined)
  },
  inbox() {
    wx.navigateTo({ url: '/pages/inbox/index' })
  },
  outbox() {
    wx.navigateTo({ url: '/pages/outbox/index' })
  },
  privacy() {
    wx.openPrivacyContract({})
  },
  portal() {
    wx.setClipboardData({ data: `${SERVER}/me/`, fail: () => undefined })
  },
  staff() {
    wx.navigateTo({ url: session('staff') ? '/packages/desk/list/index' : '/packages/desk/signin/index' })
  },
  /** At once, for a dead network must not keep anybody signed in here. Every page begins anew and shows nothing of them. */
  signout() {
    void ask('DELETE', '/session').catch(() => undefined)
    leave('resident')
    wx.reLaunch({ url: '/pages/me/index' })
  },
})
