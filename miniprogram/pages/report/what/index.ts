import { t } from '../../../lib/look'
import { fill, page } from '../../../lib/page'
import type { Option } from '../../../lib/places'
import type { Coded } from '../../../lib/shapes'
import { ask, getKept, Refused, sentence } from '../../../services/api'
import { change, clear, Draft, draft } from '../../../services/drafts'
import { keepFile } from '../../../services/files'
import { removeFile } from '../../../services/outbox'

interface Categories {
  columns: { code: string; name: string; categories: (Coded & { hint: string })[] }[]
  kinds: Coded[]
  abouts: (Coded & { words: string })[]
}
interface Preview {
  dial: { number: string; why: string }[]
  suggestions: Coded[]
}

const USUAL = '求助'
const LEAST = 5 // characters, as the server asks for
const WITH_ABOUT = ['投诉', '举报']

page({
  heading: () => t('我要报事'),
  data: {
    draft: draft(),
    columns: [] as (Coded & { options: Option[] })[],
    kinds: [] as Coded[],
    abouts: [] as Option[],
    asksAbout: false,
    column: '',
    guesses: [] as Coded[],
    dial: [] as Preview['dial'],
    ways: [] as Refused['ways'],
    recording: false,
    begun: false,
    wrong: '',
  },
  onLoad() {
    const recorder = wx.getRecorderManager()
    recorder.onStop(async ({ tempFilePath, duration }) => {
      this.setData({ recording: false })
      try {
        this.put({ sound: await keepFile(tempFilePath), seconds: Math.max(1, Math.round(duration / 1000)) })
      } catch (error) {
        this.setData({ problem: sentence(error) })
      }
    })
    recorder.onError(() => this.setData({ recording: false, problem: t('没有录成。请在手机设置里允许微信用话筒，或者写几句。') }))
  },
  onShow() {
    this.put({})
    void this.load()
  },
  onUnload() {
    if (this.data.recording) wx.getRecorderManager().stop()
  },
  load() {
    if (this.data.columns.length) return Promise.resolve(true)
    return fill(this, async () => {
      const { columns, kinds, abouts } = await getKept<Categories>('/categories')
      return {
        columns: columns.map(({ code, name, categories }) => ({ code, name, options: categories.map((one) => ({ value: one.code, label: one.name, more: one.hint })) })),
        kinds: kinds.map((kind) => (kind.code === USUAL ? { ...kind, name: t('帮忙解决') } : kind)),
        abouts: abouts.map((one) => ({ value: one.code, label: one.name, more: one.words })),
      }
    })
  },
  /** Keeps what was written; nothing of it is lost by leaving the page. */
  put(part: Partial<Draft>) {
    const now = Object.keys(part).length ? change(part) : draft()
    const kind = now.kind || USUAL
    this.setData({ draft: { ...now, kind }, asksAbout: WITH_ABOUT.includes(kind), begun: !!(now.text || now.photos.length || now.sound || now.known.length) })
  },
  type(event: WechatMiniprogram.Input) {
    change({ text: event.detail.value })
    this.setData({ 'draft.text': event.detail.value, begun: true })
  },
  photos(event: WechatMiniprogram.CustomEvent<{ photos: string[] }>) {
    this.put({ photos: event.detail.photos })
  },
  record() {
    const recorder = wx.getRecorderManager()
    if (this.data.recording) return recorder.stop()
    if (this.data.draft.sound) this.silent()
    this.setData({ recording: true, problem: '' })
    return recorder.start({ duration: 60_000, format: 'mp3', sampleRate: 16_000, numberOfChannels: 1, encodeBitRate: 48_000 })
  },
  silent() {
    removeFile(this.data.draft.sound)
    this.put({ sound: '', seconds: 0 })
  },
  /** After writing: what the words suggest, and whom to call first when somebody is in danger. */
  async look() {
    const { text, not_integrity } = draft()
    if (text.trim().length < 4) return
    try {
      const seen = await ask<Preview>('POST', '/reports/preview', { body: { text, not_integrity } })
      this.setData({ guesses: seen.suggestions, dial: seen.dial, ways: [], problem: '' })
    } catch (error) {
      if (error instanceof Refused && error.code === 'integrity') this.setData({ ways: error.ways, problem: error.message })
      // Otherwise the same question is asked again before sending.
    }
  },
  sure() {
    this.put({ not_integrity: true })
    this.setData({ ways: [], problem: '' })
    void this.look()
  },
  call(event: WechatMiniprogram.BaseEvent) {
    wx.makePhoneCall({ phoneNumber: String(event.currentTarget.dataset.number), fail: () => undefined })
  },
  guess(event: WechatMiniprogram.BaseEvent) {
    const { code, name } = event.currentTarget.dataset
    this.put(this.data.draft.category === code ? { category: '', category_name: '' } : { category: code, category_name: name })
  },
  unfold(event: WechatMiniprogram.BaseEvent) {
    const { code } = event.currentTarget.dataset
    this.setData({ column: this.data.column === code ? '' : code })
  },
  category(event: WechatMiniprogram.CustomEvent<{ value: string }>) {
    const { value } = event.detail
    const found = this.data.columns.flatMap((column) => column.options).find((option) => option.value === value)
    this.put({ category: value, category_name: found ? found.label : '' })
  },
  kind(event: WechatMiniprogram.BaseEvent) {
    const kind = String(event.currentTarget.dataset.code)
    this.put({ kind, about: WITH_ABOUT.includes(kind) ? draft().about : '' })
  },
  about(event: WechatMiniprogram.CustomEvent<{ value: string }>) {
    this.put({ about: event.detail.value })
    this.setData({ wrong: '' })
  },
  async discard() {
    const { confirm } = await wx.showModal({ title: t('不报了？'), content: t('写好的和照片都会删掉。'), confirmText: t('删掉'), cancelText: t('留着') })
    if (!confirm) return
    clear('remove')
    if (getCurrentPages().length > 1) wx.navigateBack()
    else wx.switchTab({ url: '/pages/home/index' })
  },
  next() {
    const { text, photos, sound } = draft()
    if (text.trim().length < LEAST && !sound) {
      this.setData({ problem: photos.length ? t('照片收到了，再写几个字，说说是什么事。') : t('请写几个字，或者按一下“开始说”。') })
      return void wx.pageScrollTo({ scrollTop: 0, duration: 0 })
    }
    if (this.data.asksAbout && !draft().about) {
      this.setData({ wrong: t('投诉、举报的是什么？请选一个。') })
      return void wx.pageScrollTo({ selector: '#about', duration: 0 })
    }
    // Whoever only spoke: a person writes it down, until then this stands for it.
    if (text.trim().length < LEAST) change({ text: [text.trim(), t('请听录音里说的')].filter(Boolean).join(' ') })
    if (this.data.ways.length) return void wx.pageScrollTo({ scrollTop: 0, duration: 0 })
    return void wx.navigateTo({ url: '/pages/report/where/index' })
  },
})
