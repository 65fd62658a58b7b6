import { t } from '../../../lib/look'
import { fill, page } from '../../../lib/page'
import { compoundOptions, Option, partOptions, PlaceNode, publicOptions } from '../../../lib/places'
import type { Coded, Home, Place } from '../../../lib/shapes'
import { get, getKept, Offline } from '../../../services/api'
import { change, draft } from '../../../services/drafts'
import { scanCode } from '../../../services/scan'

type How = Place['how'] | 'scan'
interface Point {
  name: string
  lat: number
  lon: number
}

/** Without a network one says where it is in another way than by one's home. */
function nowhere(error: unknown): { dwelling: Home['dwelling'] } {
  if (error instanceof Offline) return { dwelling: null }
  throw error
}

page({
  heading: () => t('我要报事'),
  data: {
    ways: [] as { how: How; label: string; more: string }[],
    how: '' as How | '',
    home: '',
    plate: '',
    plateName: '',
    compounds: [] as Option[],
    publics: [] as Option[],
    floors: [] as Coded[],
    chosen: null as PlaceNode | null,
    parts: [] as Option[],
    publicPlace: '',
    point: null as Point | null,
    address: '',
    floor: '',
    mark: '',
    busy: false,
  },
  onLoad() {
    void this.load()
  },
  load() {
    return fill(this, async () => {
      const { place, place_name } = draft()
      const [home, compounds, publics, { floors }] = await Promise.all([
        get<Home>('/home').catch(nowhere), compoundOptions(), publicOptions(), getKept<{ floors: Coded[] }>('/categories'),
      ])
      const own = home.dwelling ? home.dwelling.name : ''
      const kept = place || ({} as Partial<Place>)
      const plate = kept.how === 'plate' ? kept.plate || '' : ''
      const how: How | '' = kept.how || (own ? 'home' : '')
      const point = kept.how === 'point' ? { name: place_name, lat: kept.lat || 0, lon: kept.lon || 0 } : null
      const chosen = kept.how === 'choose' && kept.place ? await get<PlaceNode>(`/places/${kept.place}`) : null
      this.setData({ home: own, plate, plateName: plate ? place_name : '' })
      return {
        ways: this.waysNow(), how, compounds, publics, floors, point, chosen, parts: chosen ? partOptions(chosen) : [],
        publicPlace: kept.how === 'public' ? String(kept.place) : '', address: kept.address || '', floor: kept.floor || '', mark: kept.mark || '',
      }
    })
  },
  waysNow() {
    const { plate, plateName, home } = this.data
    return [
      ...(plate ? [{ how: 'plate', label: plateName, more: t('您刚扫的门牌') }] : []),
      ...(home ? [{ how: 'home', label: home, more: t('您住的地方（不写房号）') }] : []),
      ...(plate ? [] : [{ how: 'scan', label: t('扫旁边的门牌'), more: t('单元门口的蓝色门牌') }]),
      { how: 'choose', label: t('小区里别的地方'), more: t('选小区，再选幢和单元') },
      { how: 'public', label: t('公园、广场、菜场这些地方'), more: '' },
      { how: 'point', label: t('在地图上选'), more: t('只在您点的时候看一次位置') },
      { how: 'address', label: t('自己写地址'), more: t('小区、路名、门牌号都行') },
    ] as { how: How; label: string; more: string }[]
  },
  async way(event: WechatMiniprogram.BaseEvent) {
    const how = event.currentTarget.dataset.how as How
    if (how === 'scan') return this.scan()
    this.setData({ how, problem: '' })
    if (how === 'point' && !this.data.point) await this.map()
  },
  async scan() {
    const code = await scanCode()
    if (!code) return
    await fill(this, async () => {
      const found = await get<{ state: string; place: { name: string } }>(`/plates/${encodeURIComponent(code)}`)
      if (found.state !== 'ok') throw new Error(t('这块门牌换过了，请换一种方式。'))
      this.setData({ plate: code, plateName: found.place.name })
      return { how: 'plate', ways: this.waysNow() }
    })
  },
  async choose(event: WechatMiniprogram.CustomEvent<{ value: string }>) {
    await fill(this, async () => {
      const chosen = await get<PlaceNode>(`/places/${event.detail.value}`)
      // Down to the entrance: whose room it is, is nobody's business here.
      return { chosen, parts: chosen.kind === 'entrance' ? [] : partOptions(chosen).filter((_, n) => chosen.parts[n].kind !== 'room') }
    })
  },
  over() {
    this.setData({ chosen: null, parts: [] })
  },
  choosePublic(event: WechatMiniprogram.CustomEvent<{ value: string }>) {
    this.setData({ publicPlace: event.detail.value })
  },
  async map() {
    try {
      const { name, address, latitude, longitude } = await wx.chooseLocation({})
      this.setData({ point: { name: name || address, lat: latitude, lon: longitude }, problem: '' })
    } catch (error) {
      if (!/cancel/.test((error as { errMsg: string }).errMsg)) this.setData({ problem: t('手机没有给出位置。请换一种方式，不是您的错。') })
    }
  },
  type(event: WechatMiniprogram.Input) {
    this.setData({ [String(event.currentTarget.dataset.name)]: event.detail.value })
  },
  chooseFloor(event: WechatMiniprogram.BaseEvent) {
    const code = String(event.currentTarget.dataset.code)
    this.setData({ floor: this.data.floor === code ? '' : code })
  },
  /** The place as the server takes it, and its name; a sentence where something is missing. */
  said(): { place: Place; name: string } | string {
    const { how, plate, plateName, home, chosen, publicPlace, publics, point, address, floor, mark } = this.data
    const more = { ...(floor ? { floor } : {}), ...(mark.trim() ? { mark: mark.trim() } : {}) }
    if (how === 'plate') return { place: { how, plate, ...more }, name: plateName }
    if (how === 'home') return { place: { how, ...more }, name: home }
    if (how === 'choose') return chosen ? { place: { how, place: chosen.id, ...more }, name: chosen.name } : t('请选是哪个小区。')
    if (how === 'public') {
      const found = publics.find((option) => option.value === publicPlace)
      return found ? { place: { how, place: Number(publicPlace), ...more }, name: found.label } : t('请选是哪个公共场所。')
    }
    // What the platform's map gives is GCJ-02; the server turns it.
    if (how === 'point') return point ? { place: { how, lat: point.lat, lon: point.lon, datum: 'gcj02', ...more }, name: point.name } : t('请在地图上选一个点。')
    if (how === 'address') return address.trim().length > 1 ? { place: { how, address: address.trim(), ...more }, name: address.trim() } : t('请写地址，例如 斗柄路 12 号。')
    return t('请选在哪里。')
  },
  next() {
    const said = this.said()
    if (typeof said === 'string') {
      this.setData({ problem: said })
      return void wx.pageScrollTo({ scrollTop: 0, duration: 0 })
    }
    change({ place: said.place, place_name: said.name })
    return void wx.navigateTo({ url: '/pages/report/send/index' })
  },
})
