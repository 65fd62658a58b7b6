import { t } from '../../../lib/look'
import { fill, page } from '../../../lib/page'
import { get } from '../../../services/api'

page({
  heading: () => t('大家的事'),
  data: { token: '', m: null as unknown },
  onLoad(query: Record<string, string | undefined>) {
    this.setData({ token: query.token || '' })
    void this.load()
  },
  load() {
    return fill(this, async () => ({ m: await get<unknown>(`/public/${encodeURIComponent(this.data.token)}`) }))
  },
})
