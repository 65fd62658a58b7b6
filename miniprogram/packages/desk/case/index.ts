import { t } from '../../../lib/look'
import { fill, page } from '../../../lib/page'
import type { Act, DeskCase } from '../../../lib/shapes'
import { get, post } from '../../../services/api'
import { handed } from '../handed'

const FIRST = 3 // acts that stand as buttons; the rest one tap away

page({
  heading: () => t('案卷'),
  data: {
    number: '',
    c: null as DeskCase | null,
    urgent: false,
    first: [] as Act[],
    rest: [] as Act[],
    all: false,
    links: [] as { unit: string; url: string }[],
    thanks: '',
    asksWhy: false,
    why: '',
    reporter: '',
    phone: '',
  },
  onLoad(query: Record<string, string | undefined>) {
    this.setData({ number: query.number || '' })
  },
  onShow() {
    const told = handed.take(this.data.number)
    if (told) this.setData({ thanks: told.thanks, links: told.links })
    void this.load()
  },
  load() {
    return fill(this, async () => {
      const c = await get<DeskCase>(`/desk/cases/${this.data.number}`, 'staff')
      const main = c.acts.filter((act) => act.primary)
      const first = (main.length ? main : c.acts).slice(0, FIRST)
      return { c, urgent: ['U0', 'U1'].includes(c.urgency), first, rest: c.acts.filter((act) => !first.includes(act)) }
    })
  },
  unfold() {
    this.setData({ all: true })
  },
  act(event: WechatMiniprogram.BaseEvent) {
    this.setData({ thanks: '' })
    wx.navigateTo({ url: `/packages/desk/act/index?number=${this.data.number}&name=${event.currentTarget.dataset.name}` })
  },
  map() {
    const { c } = this.data
    if (c && c.point) wx.openLocation({ latitude: c.point.lat, longitude: c.point.lon, name: c.place, fail: () => undefined })
  },
  contact() {
    this.setData({ asksWhy: !this.data.asksWhy })
  },
  type(event: WechatMiniprogram.Input) {
    this.setData({ why: event.detail.value })
  },
  reveal() {
    return fill(this, async () => {
      const { name, phone } = await post<{ name: string; phone: string }>(`/desk/cases/${this.data.number}/contact`, { why: this.data.why }, undefined, 'staff')
      return { reporter: `${name} ${phone}`.trim(), phone, asksWhy: false }
    })
  },
  call() {
    wx.makePhoneCall({ phoneNumber: this.data.phone, fail: () => undefined })
  },
  copy(event: WechatMiniprogram.BaseEvent) {
    wx.setClipboardData({ data: String(event.currentTarget.dataset.url), fail: () => undefined })
  },
})
