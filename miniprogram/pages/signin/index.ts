import { t } from '../../lib/look'
import { fill, page } from '../../lib/page'
import { ask, enter, get, sentence, withTicket } from '../../services/api'
import { Session, who } from '../../services/session'

interface Consent {
  version: string
  title: string
  text: string
}
interface Line {
  text: string
  head: boolean
  dot: boolean
}

const FIRST = 6 // lines of the text that are seen before somebody opens all of it

/** The little Markdown of our texts, line by line. */
function linesOf(text: string): Line[] {
  return text.split('\n').filter((line) => line.trim()).map((line) => {
    const head = /^#+ /.test(line)
    const dot = /^[-*] /.test(line)
    return { text: line.replace(/^(#+|[-*]) /, dot ? '· ' : '').replace(/\*\*/g, ''), head, dot }
  })
}

page({
  heading: () => t('登录'),
  data: {
    consent: null as Consent | null,
    lines: [] as Line[],
    whole: false,
    agreed: false,
    ticket: '',
    /** Whoever has signed out comes in again by a tap alone. */
    tap: false,
    sms: false,
    number: '',
    code: '',
    sent: false,
    shown: '',
    busy: false,
    before: '',
  },
  onLoad() {
    this.setData({ before: who('resident') })
    void this.load()
  },
  async load() {
    await fill(this, async () => {
      const consent = await get<Consent>('/consent')
      const entered = await enter('resident', true).catch(() => undefined)
      if (entered && entered.state === 'signed_in') this.done()
      const lines = linesOf(consent.text)
      // Without WeChat's answer the number can still be shown to be one's own by a code.
      return { consent, lines: lines.slice(0, FIRST), whole: lines.length <= FIRST, ticket: entered && entered.state === 'phone_needed' ? entered.ticket : '', tap: entered === null, sms: entered === undefined }
    })
  },
  open() {
    this.setData({ lines: linesOf(this.data.consent ? this.data.consent.text : ''), whole: true })
  },
  agree() {
    this.setData({ agreed: !this.data.agreed, problem: '' })
  },
  missing() {
    this.setData({ problem: t('请先看一看，再点“我同意”。') })
    wx.pageScrollTo({ scrollTop: 0, duration: 0 })
  },
  other() {
    this.setData({ sms: true })
  },
  staff() {
    wx.navigateTo({ url: '/packages/desk/signin/index' })
  },
  type(event: WechatMiniprogram.Input) {
    this.setData({ [String(event.currentTarget.dataset.name)]: event.detail.value })
  },
  /** Asked for: as whom WeChat names, or on to the number. */
  wechat() {
    return this.attempt(async () => {
      const entered = await enter('resident').catch((error) => {
        this.setData({ tap: false, sms: true })
        throw error
      })
      if (entered && entered.state === 'phone_needed') this.setData({ ticket: entered.ticket, tap: false })
      else this.done()
    })
  },
  async phone(event: WechatMiniprogram.CustomEvent<{ code?: string }>) {
    const { code } = event.detail
    if (!code) return this.setData({ sms: true }) // they would rather not, or WeChat has no number
    return this.attempt(() => this.signIn('/session/phone', { phone_code: code }))
  },
  send() {
    return this.attempt(async () => {
      const { demo_code } = await ask<{ demo_code: string | null }>('POST', '/session/sms', { body: { phone: this.data.number } })
      this.setData({ sent: true, shown: demo_code || '' })
    })
  },
  confirm() {
    if (!this.data.agreed) return this.missing()
    const { number, code } = this.data
    return this.attempt(() => this.signIn('/session/sms/confirm', { phone: number, code }))
  },
  async signIn(path: string, body: Record<string, string>) {
    const consent = this.data.consent ? this.data.consent.version : ''
    await withTicket('resident', this.data.ticket, (ticket) => ask<Session>('POST', path, { body: { ...body, ...(ticket ? { ticket } : {}), consent } }))
    this.done()
  },
  done() {
    const { before } = this.data
    if (before && before !== who('resident')) wx.reLaunch({ url: '/pages/home/index' }) // the pages below are another's
    else if (getCurrentPages().length > 1) wx.navigateBack()
    else wx.switchTab({ url: '/pages/home/index' })
  },
  async attempt(run: () => Promise<void>) {
    this.setData({ busy: true, problem: '' })
    try {
      await run()
    } catch (error) {
      this.setData({ problem: sentence(error) })
      wx.pageScrollTo({ scrollTop: 0, duration: 0 })
    }
    this.setData({ busy: false })
  },
})
