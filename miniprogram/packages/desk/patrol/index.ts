import { t } from '../../../lib/look'
import { fill, page } from '../../../lib/page'
import type { Coded, DeskCase, Place } from '../../../lib/shapes'
import { get, getKept, Offline, Refused } from '../../../services/api'
import { send } from '../../../services/outbox'
import { scanCode } from '../../../services/scan'
import { dropWritten, keepWritten, written } from '../../../services/written'
import { handed } from '../handed'

const HERE = '/desk/found'

interface Option {
  value: string
  label: string
  group: string
}

/** What is found on the round: put right and closed at once, or the worker's own matter. Also without a signal. */
page({
  heading: () => t('巡查发现'),
  data: {
    categories: [] as Option[],
    category: '',
    before: [] as string[],
    after: [] as string[],
    how: '' as Place['how'] | '',
    plate: '',
    plateName: '',
    point: null as { name: string; lat: number; lon: number } | null,
    address: '',
    fixed: '',
    text: '',
    busy: false,
  },
  onLoad() {
    this.setData(written('staff', HERE))
    void this.load()
  },
  /** Keeps what was found; nothing of it is lost by leaving the page. */
  put(part: Record<string, unknown>) {
    this.setData(part)
    const { category, before, after, how, plate, plateName, point, address, fixed, text } = this.data
    keepWritten('staff', HERE, { category, before, after, how, plate, plateName, point, address, fixed, text })
  },
  load() {
    return fill(this, async () => {
      const { columns } = await getKept<{ columns: (Coded & { categories: Coded[] })[] }>('/categories')
      const rows = columns.filter((column) => column.code !== 'ADV').flatMap((column) => column.categories.map(({ code, name }) => ({ value: code, label: name, group: column.name })))
      return { categories: rows }
    })
  },
  pick(event: WechatMiniprogram.CustomEvent<{ value: string }>) {
    this.put({ [String(event.currentTarget.dataset.name)]: event.detail.value })
  },
  take(event: WechatMiniprogram.CustomEvent<{ photos: string[] }>) {
    this.put({ [String(event.currentTarget.dataset.name)]: event.detail.photos })
  },
  type(event: WechatMiniprogram.Input) {
    this.put({ [String(event.currentTarget.dataset.name)]: event.detail.value })
  },
  now(event: WechatMiniprogram.BaseEvent) {
    this.put({ fixed: String(event.currentTarget.dataset.value) })
  },
  async way(event: WechatMiniprogram.BaseEvent) {
    const how = event.currentTarget.dataset.how as Place['how']
    this.setData({ problem: '' })
    this.put({ how })
    if (how === 'plate' && !this.data.plate) await this.scan()
    if (how === 'point' && !this.data.point) await this.map()
  },
  async scan() {
    const code = await scanCode()
    if (!code) return
    await fill(this, async () => {
      const found = await get<{ state: string; place: { name: string } }>(`/plates/${encodeURIComponent(code)}`).catch((error) => {
        if (error instanceof Offline) return { state: 'ok', place: { name: t('刚扫的门牌') } } // the server looks at it when it is sent
        throw error
      })
      if (found.state !== 'ok') throw new Error(t('这块门牌换过了，请换一种方式。'))
      this.put({ plate: code, plateName: found.place.name })
      return {}
    })
  },
  async map() {
    try {
      const { name, address, latitude, longitude } = await wx.chooseLocation({})
      this.put({ point: { name: name || address, lat: latitude, lon: longitude } })
    } catch (error) {
      if (!/cancel/.test((error as { errMsg: string }).errMsg)) this.setData({ problem: t('手机没有给出位置。请换一种方式，不是您的错。') })
    }
  },
  place(): Place | null {
    const { how, plate, point, address } = this.data
    if (how === 'plate' && plate) return { how, plate }
    if (how === 'point' && point) return { how, lat: point.lat, lon: point.lon, datum: 'gcj02' }
    if (how === 'address' && address.trim().length > 1) return { how, address: address.trim() }
    return null
  },
  async send() {
    const { category, categories, before, after, fixed, text } = this.data
    const place = this.place()
    const missing = !before.length ? t('请拍一张处理前的照片。') : !place ? t('请选在哪里。') : !category ? t('请选是哪一类。') : !fixed ? t('请选现在怎样。') : fixed === 'yes' && !after.length ? t('请拍一张处理后的照片。') : ''
    if (missing) return this.refused(new Refused(0, 'missing', missing))
    this.setData({ busy: true, problem: '' })
    const name = (categories.find((one) => one.value === category) || categories[0]).label
    const photos = fixed === 'yes' ? [...before, ...after] : before
    const outcome = await send({ as: 'staff', title: t('巡查：%(name)s', { name }), path: HERE, photos, body: { category, place, befores: before.length, fixed: fixed === 'yes', text } })
    this.setData({ busy: false })
    if (outcome.state === 'refused') return this.refused(outcome.error)
    dropWritten(HERE)
    if (outcome.state === 'kept') return void wx.navigateBack()
    const { number } = outcome.data as DeskCase
    handed.put(number, { thanks: fixed === 'yes' ? t('已记下并办结，编号 %(number)s。', { number }) : t('已记下，由您来办。'), links: [] })
    return void wx.redirectTo({ url: `/packages/desk/case/index?number=${number}` })
  },
  refused(error: Refused) {
    this.setData({ problem: error.message })
    return void wx.pageScrollTo({ scrollTop: 0, duration: 0 })
  },
})
