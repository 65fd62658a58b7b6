import { t } from '../../../lib/look'
import { fill, page } from '../../../lib/page'
import type { Option } from '../../../lib/places'
import type { Coded, Matter, Named, WorkerCard } from '../../../lib/shapes'
import { ask, get, Offline, Refused } from '../../../services/api'
import { change, clear, Draft, draft } from '../../../services/drafts'
import { Item, send as hand } from '../../../services/outbox'
import { session } from '../../../services/session'

interface Preview {
  dial: { number: string; why: string }[]
  suggestions: Coded[]
  place_words: string | null
  place_problem: string | null
  worker: WorkerCard | null
  taken_by: string | null
  taken_how: string | null
  unseen: boolean
  accept_words: string
  limit_words: string
  urgent: boolean
  near: { token: string; title: string; place: string; at_words: string; headcount: number; word: string }[]
  own: { number: string; title: string }[]
  units: Named[]
  ask_consent: boolean
}

const NOTHING: Preview = {
  dial: [], suggestions: [], place_words: null, place_problem: null, worker: null, taken_by: null, taken_how: null, unseen: false, accept_words: '', limit_words: '',
  urgent: false, near: [], own: [], units: [], ask_consent: false,
}

const anonymities = (unseen = false): Option[] => [
  { value: 'N1', label: unseen ? t('只有接手的人和街道中心知道') : t('只有网格员和街道中心知道'), more: t('物业和邻居看不到您的姓名') },
  { value: 'N0', label: t('办理的人都可以知道'), more: t('街道、社区里办这件事的人；外面的单位还是看不到') },
  { value: 'N2', label: t('只有街道中心知道'), more: t('网格员也不知道是谁，这件事不会公开') },
]
const wishes = (): Option[] => [
  { value: 'call', label: t('给我打电话') },
  { value: 'message', label: t('发消息就行') },
  { value: 'none', label: t('不用联系我') },
]

page({
  heading: () => t('我要报事'),
  data: {
    draft: draft(),
    seen: NOTHING,
    offline: false,
    ways: [] as Refused['ways'],
    units: [] as Option[],
    unit: '',
    category: '',
    anonymities: [] as Option[],
    anonymity: 'N1',
    wishes: [] as Option[],
    wish: 'call',
    consent: false,
    version: '',
    then: {},
    signed: false,
    busy: false,
  },
  onShow() {
    void this.load()
  },
  load() {
    const now = draft()
    this.setData({ draft: now, anonymities: anonymities(), wishes: wishes(), signed: !!session('resident') })
    return fill(this, async () => {
      const { text, kind, about, place, not_integrity } = now
      const category = now.category || this.data.category
      try {
        const body = { text, place, not_integrity, ...(about ? { about } : {}), ...(category ? { category } : {}), ...(kind ? { kind } : {}) }
        const seen = await ask<Preview>('POST', '/reports/preview', { body })
        if (seen.place_problem) throw new Refused(422, 'invalid', seen.place_problem, 'place')
        const version = seen.ask_consent ? (await get<{ version: string }>('/consent')).version : ''
        return { seen, anonymities: anonymities(seen.unseen), version, offline: false, ways: [], then: this.promise(seen), units: about === 'unit' ? seen.units.map((unit) => ({ value: String(unit.id), label: unit.name })) : [] }
      } catch (error) {
        if (error instanceof Offline) return { seen: NOTHING, offline: true }
        if (error instanceof Refused && error.code === 'integrity') this.setData({ ways: error.ways })
        if (error instanceof Refused) this.setData({ state: 'ready' })
        throw error
      }
    }, 'preview')
  },
  promise(seen: Preview) {
    const { worker, taken_by, taken_how } = seen
    return {
      who: worker ? worker.name : taken_by || t('街道中心'),
      who_more: worker ? worker.grid : taken_how || t('先找到归谁管'),
      by: seen.limit_words,
      how: seen.accept_words,
      how_more: t('签收并告诉您'),
    }
  },
  edit(event: WechatMiniprogram.BaseEvent) {
    wx.navigateBack({ delta: Number(event.currentTarget.dataset.back) })
  },
  toOwn(event: WechatMiniprogram.BaseEvent) {
    wx.navigateTo({ url: `/pages/matter/index?number=${event.currentTarget.dataset.number}` })
  },
  sure() {
    change({ not_integrity: true })
    this.setData({ ways: [], problem: '' })
    void this.load()
  },
  guess(event: WechatMiniprogram.BaseEvent) {
    const code = String(event.currentTarget.dataset.code)
    this.setData({ category: this.data.category === code ? '' : code })
    void this.load() // who takes it, until when, and what is near hang on it
  },
  chooseUnit(event: WechatMiniprogram.CustomEvent<{ value: string }>) {
    this.setData({ unit: this.data.unit === event.detail.value ? '' : event.detail.value })
  },
  chooseAnonymity(event: WechatMiniprogram.CustomEvent<{ value: string }>) {
    this.setData({ anonymity: event.detail.value })
  },
  chooseWish(event: WechatMiniprogram.BaseEvent) {
    this.setData({ wish: String(event.currentTarget.dataset.value) })
  },
  agree() {
    this.setData({ consent: !this.data.consent })
  },
  signin() {
    wx.navigateTo({ url: '/pages/signin/index' })
  },
  send() {
    const { draft: now, category, anonymity, wish, unit, version } = this.data
    const { text, kind, about, place, message, known, not_integrity, photos, sound } = now
    const chosen = now.category || category
    return this.hand(now, {
      title: text || t('一件报事'),
      path: '/reports',
      photos,
      ...(sound ? { sound } : {}),
      body: {
        text, place, anonymity, wish, not_integrity, ...(about ? { about } : {}), ...(known.length ? { photos: known } : {}),
        ...(kind ? { kind } : {}), ...(chosen ? { category: chosen } : {}), ...(unit ? { about_unit: Number(unit) } : {}),
        ...(message ? { message } : {}), ...(this.data.consent ? { consent: version } : {}),
      },
    })
  },
  join(event: WechatMiniprogram.BaseEvent) {
    if (!this.data.signed) return this.signin()
    const { token, title } = event.currentTarget.dataset
    const { draft: now, anonymity, consent, version } = this.data
    return this.hand(now, {
      title: t('我也遇到：%(title)s', { title }),
      path: '/reports/join',
      photos: now.photos,
      body: { token, text: now.text, anonymity, not_integrity: now.not_integrity, ...(consent ? { consent: version } : {}) },
    })
  },
  /** Into the outbox, which sends it now or when the network is back. */
  async hand(now: Draft, what: Pick<Item, 'title' | 'path' | 'body' | 'photos'> & { sound?: string }) {
    if (this.data.seen.ask_consent && !this.data.consent) return this.refuse(t('请先点“我同意用我的手机号和这些内容来办这件事”。'))
    this.setData({ busy: true, problem: '' })
    const outcome = await hand({ as: 'resident', draft: now, ...what })
    this.setData({ busy: false })
    if (outcome.state === 'refused') {
      if (outcome.error.code === 'integrity') this.setData({ ways: outcome.error.ways })
      return this.refuse(outcome.error.message)
    }
    clear('keep')
    if (outcome.state === 'kept') return void wx.reLaunch({ url: '/pages/outbox/index?kept=1' })
    const { number } = outcome.data as Matter
    return void wx.reLaunch({ url: `/pages/matter/index?number=${number}&new=${what.path === '/reports' ? 'sent' : 'joined'}` })
  },
  refuse(problem: string) {
    this.setData({ problem })
    wx.pageScrollTo({ scrollTop: 0, duration: 0 })
  },
})
