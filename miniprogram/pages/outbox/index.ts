import { t } from '../../lib/look'
import { page } from '../../lib/page'
import { begin } from '../../services/drafts'
import { again, discard, flush, Item, items, othersWords, release, signinFor, watchOutbox } from '../../services/outbox'
import type { As } from '../../services/session'

page({
  heading: () => t('等着送出的'),
  data: { items: [] as Item[], others: '', signin: '' as As | '', kept: false, stop: null as (() => void) | null },
  onLoad(query: Record<string, string | undefined>) {
    this.setData({ kept: query.kept === '1' })
    this.setData({ stop: watchOutbox((list) => this.setData({ items: list, others: othersWords(), signin: signinFor(list), kept: this.data.kept && list.length > 0 })) })
  },
  onShow() {
    void flush()
  },
  onUnload() {
    this.data.stop?.()
  },
  async retry(event: WechatMiniprogram.BaseEvent) {
    again(String(event.currentTarget.dataset.key))
    await flush()
    if (!this.data.signin && items().some((item) => !item.refused)) wx.showToast({ title: t('还是没有连上。'), icon: 'none' })
  },
  async drop(event: WechatMiniprogram.BaseEvent) {
    const { confirm } = await wx.showModal({ title: t('不送了？'), content: t('会从手机里删掉。'), confirmText: t('删掉'), cancelText: t('留着') })
    if (confirm) discard(String(event.currentTarget.dataset.key))
  },
  /** Back into the steps of a report, with everything that was written. */
  reopen(event: WechatMiniprogram.BaseEvent) {
    const item = release(String(event.currentTarget.dataset.key))
    if (!item || !item.draft) return
    begin(item.draft)
    wx.reLaunch({ url: '/pages/report/what/index' })
  },
  enter() {
    wx.navigateTo({ url: this.data.signin === 'staff' ? '/packages/desk/signin/index' : '/pages/signin/index' })
  },
  home() {
    wx.switchTab({ url: '/pages/home/index' })
  },
})
