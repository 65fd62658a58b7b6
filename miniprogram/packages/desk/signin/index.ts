import { t } from '../../../lib/look'
import { page } from '../../../lib/page'
import { ask, enter, Refused, sentence } from '../../../services/api'
import { keep, Session } from '../../../services/session'

page({
  heading: () => t('工作人员登录'),
  data: { username: '', password: '', factor: '', second: false, ticket: '', busy: false },
  async onLoad() {
    const entered = await enter('staff').catch(() => null)
    if (entered && entered.state === 'signed_in') return this.done()
    this.setData({ ticket: entered && entered.state === 'phone_needed' ? entered.ticket : '' })
  },
  type(event: WechatMiniprogram.Input) {
    this.setData({ [String(event.currentTarget.dataset.name)]: event.detail.value })
  },
  async enter() {
    const { username, password, factor, ticket } = this.data
    this.setData({ busy: true, problem: '' })
    try {
      const body = { username, password, ...(factor ? { second_factor: factor } : {}), ...(ticket ? { ticket } : {}) }
      const given = await ask<Session>('POST', '/session/staff', { as: 'staff', body })
      keep('staff', { token: given.token, expires_at: given.expires_at, account: given.account })
      this.done()
    } catch (error) {
      this.setData({ problem: sentence(error), second: this.data.second || (error instanceof Refused && error.field === 'second_factor') })
    }
    this.setData({ busy: false })
  },
  done() {
    wx.redirectTo({ url: '/packages/desk/list/index' })
  },
})
