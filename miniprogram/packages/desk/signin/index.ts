import { t } from '../../../lib/look'
import { page } from '../../../lib/page'
import { ask, enter, Refused, sentence, withTicket } from '../../../services/api'
import { Session, who } from '../../../services/session'

page({
  heading: () => t('工作人员登录'),
  data: { username: '', password: '', factor: '', second: false, ticket: '', tap: false, busy: false, before: '' },
  async onLoad() {
    this.setData({ before: who('staff') })
    const entered = await enter('staff', true).catch(() => undefined)
    if (entered && entered.state === 'signed_in') return this.done()
    this.setData({ ticket: entered && entered.state === 'phone_needed' ? entered.ticket : '', tap: entered === null })
  },
  /** Asked for: as whom WeChat names; who is not known yet goes on with name and password. */
  wechat() {
    return this.attempt(async () => {
      const entered = await enter('staff')
      if (entered && entered.state === 'phone_needed') this.setData({ ticket: entered.ticket, tap: false, problem: t('这个微信还没有登录过，请填登录名和密码。') })
      else this.done()
    })
  },
  type(event: WechatMiniprogram.Input) {
    this.setData({ [String(event.currentTarget.dataset.name)]: event.detail.value })
  },
  enter() {
    const { username, password, factor } = this.data
    return this.attempt(async () => {
      const body = { username, password, ...(factor ? { second_factor: factor } : {}) }
      await withTicket('staff', this.data.ticket, (ticket) => ask<Session>('POST', '/session/staff', { as: 'staff', body: { ...body, ...(ticket ? { ticket } : {}) } }))
      this.done()
    })
  },
  async attempt(run: () => Promise<void>) {
    this.setData({ busy: true, problem: '' })
    try {
      await run()
    } catch (error) {
      this.setData({ problem: sentence(error), second: this.data.second || (error instanceof Refused && error.field === 'second_factor') })
    }
    this.setData({ busy: false })
  },
  done() {
    const { before } = this.data
    if (before && before !== who('staff')) wx.reLaunch({ url: '/packages/desk/list/index' }) // the pages below are another's
    else wx.redirectTo({ url: '/packages/desk/list/index' })
  },
})
