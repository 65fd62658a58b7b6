import { phaseGlyph } from '../../lib/glyphs'
import { t } from '../../lib/look'
import { fill, page } from '../../lib/page'
import type { Act, Matter, PhotoRef } from '../../lib/shapes'
import { get, Refused } from '../../services/api'
import { send } from '../../services/outbox'
import { dropWritten } from '../../services/written'
import { askToTell, templatesFor, templatesOf } from '../../services/subscription'

interface Written {
  name: string
  label: string
  said: Record<string, string | string[]>
  photos: string[]
}

page({
  heading: () => t('报事详情'),
  data: {
    number: '',
    m: null as Matter | null,
    glyph: 'ring',
    acts: [] as Act[],
    pair: [] as PhotoRef[],
    opened: '',
    /** Whether the words of a hushed matter are unfolded. */
    said: false,
    thanks: '',
    /** Templates to ask about, where somebody now waits for a message. */
    asking: [] as string[],
    wrong: { problem: '', field: '' },
    /** Where words about integrity belong, and what was written, for whoever says that they are not. */
    ways: [] as Refused['ways'],
    written: null as Written | null,
    busy: false,
    alone: false,
  },
  onLoad(query: Record<string, string | undefined>) {
    const thanks: Record<string, string> = {
      sent: t('收到了，谢谢您。每走一步都会告诉您，您随时可以在这里看。'),
      joined: t('记下了，您也遇到。进展会和报事的邻居一起告诉您，您也可以单独评价。'),
    }
    this.setData({
      number: query.number || '',
      thanks: thanks[query.new || ''] || '',
      alone: getCurrentPages().length === 1,
    })
    if (query.new) void templatesOf('resident', 'accepted', 'asking', 'closed').then((asking) => this.setData({ asking }))
  },
  onShow() {
    void this.load()
  },
  load() {
    return fill(this, async () => this.shown(await get<Matter>(`/matters/${this.data.number}`)))
  },
  shown(m: Matter) {
    const before = m.photos.filter((photo) => !photo.after)
    const after = m.photos.filter((photo) => photo.after)
    // What waits for this reader is open; nothing in it is chosen.
    const turn = m.turn && m.acts.find((act) => act.primary)
    const opened = m.acts.some((act) => act.name === this.data.opened) ? this.data.opened : turn ? turn.name : ''
    return { m, glyph: phaseGlyph(m.phase), acts: m.acts, pair: after.length ? [...before.slice(0, 1), ...after] : [], opened }
  },
  unfold(event: WechatMiniprogram.BaseEvent) {
    const name = String(event.currentTarget.dataset.name)
    this.setData({ opened: this.data.opened === name ? '' : name, wrong: { problem: '', field: '' }, ways: [] })
  },
  unfoldSaid() {
    this.setData({ said: !this.data.said })
  },
  send(event: WechatMiniprogram.CustomEvent<{ said: Written['said']; photos: string[] }>) {
    const { name, label } = event.currentTarget.dataset as { name: string; label: string }
    return this.give({ name, label, ...event.detail })
  },
  sure() {
    const { written } = this.data
    return written ? this.give(written, true) : undefined
  },
  async give(written: Written, not_integrity = false) {
    const { m, number } = this.data
    if (!m) return
    const { name, label, said, photos } = written
    this.setData({ busy: true, wrong: { problem: '', field: '' }, ways: [], written, thanks: '' })
    const body = { version: m.version, said, not_integrity }
    const outcome = await send({ as: 'resident', title: `${label}：${m.title}`, path: `/matters/${number}/acts/${name}`, photos, body })
    this.setData({ busy: false })
    if (outcome.state === 'refused') return this.refused(outcome.error)
    dropWritten(`/matters/${number}/acts/${name}`)
    if (outcome.state === 'kept') return this.setData({ opened: '', thanks: t('存在手机里了，连上网络自动送出。关掉微信也不会丢。') })
    this.setData({ opened: '' })
    this.setData({
      ...this.shown(outcome.data as Matter),
      thanks: name === 'rate' ? t('评价收到了，谢谢您说真话。') : t('送出了，谢谢您。'),
      asking: name === 'rate' ? templatesFor('asking', 'closed') : name === 'dispute' ? templatesFor('accepted', 'closed') : [],
    })
    wx.pageScrollTo({ scrollTop: 0, duration: 0 })
  },
  refused(error: Refused) {
    this.setData({ wrong: { problem: error.message, field: error.field || '' }, ways: error.code === 'integrity' ? error.ways : [] })
    if (error.code === 'changed') void this.load()
  },
  async tellMe() {
    const allowed = await askToTell(this.data.asking)
    this.setData({ asking: [], thanks: allowed ? t('好的，有进展在微信里告诉您。') : t('好的，不在微信里打扰您；“消息”里随时能看。') })
  },
  thread() {
    wx.navigateTo({ url: '/pages/thread/index' })
  },
  home() {
    wx.switchTab({ url: '/pages/home/index' })
  },
})
