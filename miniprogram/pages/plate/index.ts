import { t } from '../../lib/look'
import { fill, page } from '../../lib/page'
import type { Named, WorkerCard } from '../../lib/shapes'
import { get } from '../../services/api'
import { change } from '../../services/drafts'

interface Plate {
  state: 'ok' | 'revoked'
  place: Named
  parts: Named[]
  worker: WorkerCard | null
}

page({
  heading: () => t('这里归谁管'),
  data: { code: '', plate: null as Plate | null },
  onLoad(query: Record<string, string | undefined>) {
    this.setData({ code: decodeURIComponent(query.scene || '') })
    void this.load()
  },
  load() {
    return fill(this, async () => ({ plate: await get<Plate>(`/plates/${encodeURIComponent(this.data.code)}`) }))
  },
  report() {
    const { plate, code } = this.data
    if (plate && plate.state === 'ok') change({ place: { how: 'plate', plate: code }, place_name: plate.place.name })
    wx.navigateTo({ url: '/pages/report/what/index' })
  },
  bind() {
    const { plate } = this.data
    wx.navigateTo({ url: `/pages/bind/index${plate && plate.state === 'ok' ? `?place=${plate.place.id}` : ''}` })
  },
})
