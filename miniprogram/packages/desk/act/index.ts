import { t } from '../../../lib/look'
import { fill, page } from '../../../lib/page'
import type { DeskAct, DeskCase, PhotoRef } from '../../../lib/shapes'
import { get, newKey, Refused } from '../../../services/api'
import { send, sendNow } from '../../../services/outbox'
import { dropWritten } from '../../../services/written'
import { handed } from '../handed'

page({
  heading: () => t('办理'),
  data: {
    number: '',
    name: '',
    c: null as DeskCase | null,
    act: null as DeskAct | null,
    /** The key of this form, also for a second try after an answer that was lost. */
    key: '',
    before: [] as PhotoRef[],
    asksPhotos: false,
    wrong: { problem: '', field: '' },
    busy: false,
  },
  onLoad(query: Record<string, string | undefined>) {
    this.setData({ number: query.number || '', name: query.name || '', key: newKey() })
    void this.load()
  },
  load() {
    return fill(this, async () => {
      const c = await get<DeskCase>(`/desk/cases/${this.data.number}`, 'staff')
      const act = c.acts.find((one) => one.name === this.data.name)
      if (!act) throw new Refused(409, 'changed', t('这件事已经往前走了，这一步不用再做。'))
      return { c, act, before: c.photos.filter((photo) => !photo.after), asksPhotos: act.fields.some((field) => field.kind === 'photos') }
    })
  },
  async send(event: WechatMiniprogram.CustomEvent<{ said: Record<string, string | string[]>; photos: string[] }>) {
    const { c, act, number, name } = this.data
    if (!c || !act) return
    const { said, photos } = event.detail
    this.setData({ busy: true, wrong: { problem: '', field: '' } })
    const what = { as: 'staff' as const, title: `${act.label}：${c.title}`, path: `/desk/cases/${number}/acts/${name}`, photos, body: { version: c.version, said } }
    const outcome = act.offline ? await send(what) : await sendNow(what, this.data.key)
    this.setData({ busy: false })
    if (outcome.state === 'refused') return this.refused(outcome.error)
    dropWritten(what.path)
    const done = outcome.state === 'sent' ? (outcome.data as DeskCase | '') : ''
    handed.put(number, {
      thanks: outcome.state === 'sent' ? t('办好了：%(label)s', { label: act.label }) : t('存在手机里了，连上网络自动送出。关掉微信也不会丢。'),
      links: (done && done.links) || [],
    })
    // Without an answer the case is now others' to look at.
    if (outcome.state === 'sent' && !done) wx.navigateBack({ delta: 2 })
    else wx.navigateBack()
  },
  refused(error: Refused) {
    this.setData({ wrong: { problem: error.message, field: error.field || '' } })
    if (error.code === 'changed') void this.load()
  },
})
