import { t } from '../../lib/look'
import { fill, page } from '../../lib/page'
import { compoundOptions, Option, partOptions, PlaceNode } from '../../lib/places'
import type { Home, Named } from '../../lib/shapes'
import { get, post, Refused, ask, sentence } from '../../services/api'
import { scanPlate } from '../../services/scan'
import { session } from '../../services/session'

const relations = (): Option[] => [
  { value: 'living', label: t('住在这里') },
  { value: 'owner', label: t('房子是我的，不住这里') },
  { value: 'tenant', label: t('租住在这里') },
  { value: 'work', label: t('在这里上班、开店') },
]

page({
  heading: () => t('我的住处'),
  data: {
    compounds: [] as Option[],
    place: null as PlaceNode | null,
    parts: [] as Option[],
    relations: [] as Option[],
    room: '',
    relation: '',
    moving: false,
    moved: false,
    words: '',
    wanted: 0,
    busy: false,
  },
  onLoad(query: Record<string, string | undefined>) {
    this.setData({ wanted: Number(query.place) || 0, relations: relations() })
  },
  onShow() {
    void this.load()
  },
  /** Also after signing in, when rooms may be chosen. */
  load() {
    return fill(this, async () => {
      const id = this.data.place ? this.data.place.id : this.data.wanted
      const moving = !!session('resident') && !!(await get<Home>('/home')).dwelling
      return { moving, ...(id ? await this.about(id) : { compounds: await compoundOptions() }) }
    })
  },
  async about(id: number) {
    const place = await get<PlaceNode>(`/places/${id}`)
    return { place, parts: partOptions(place), room: '' }
  },
  async open(event: WechatMiniprogram.CustomEvent<{ value: string }>) {
    await fill(this, () => this.about(Number(event.detail.value)))
    wx.pageScrollTo({ scrollTop: 0, duration: 0 })
  },
  async over() {
    await fill(this, async () => ({ place: null, wanted: 0, compounds: await compoundOptions() }))
  },
  type(event: WechatMiniprogram.Input) {
    this.setData({ words: event.detail.value })
  },
  async find() {
    await fill(this, async () => {
      const { items } = await ask<{ items: Named[] }>('POST', '/places/find', { body: { words: this.data.words } })
      if (!items.length) throw new Refused(422, 'invalid', t('没有找到这个地方，请再写清楚一点，或从下面选。'))
      return this.about(items[0].id)
    })
  },
  scan: scanPlate,
  chooseRoom(event: WechatMiniprogram.CustomEvent<{ value: string }>) {
    this.setData({ room: event.detail.value === this.data.room ? '' : event.detail.value })
  },
  relate(event: WechatMiniprogram.CustomEvent<{ value: string }>) {
    this.setData({ relation: event.detail.value })
  },
  move() {
    this.setData({ moved: !this.data.moved })
  },
  async save() {
    const { place, room, relation, moved } = this.data
    if (!place) return
    if (!relation) return this.setData({ problem: t('请选您和这里的关系。') })
    if (!session('resident')) return void wx.navigateTo({ url: '/pages/signin/index' })
    this.setData({ busy: true, problem: '' })
    try {
      await post('/dwellings', { place: place.id, ...(room ? { room: Number(room) } : {}), relation, moved })
      wx.switchTab({ url: '/pages/home/index' })
    } catch (error) {
      this.setData({ problem: sentence(error) })
      wx.pageScrollTo({ scrollTop: 0, duration: 0 })
    }
    this.setData({ busy: false })
  },
})
