// What every page and component begins with: the reader's language and large type, a heading, loading and its failure.
import { look, Lang, Look, watch } from './look'
import { Offline, Refused, sentence } from '../services/api'

type Data = WechatMiniprogram.IAnyObject
type Custom = WechatMiniprogram.IAnyObject

export interface Common {
  lang: Lang
  elder: string
  /** loading, ready, offline, signin, error */
  state: string
  problem: string
}

type Instance<D extends Data, C extends Custom> = WechatMiniprogram.Page.Instance<D & Common, C>
type Options<D extends Data, C extends Custom> = C & { data: D; heading: () => string } & Partial<WechatMiniprogram.Page.ILifetime> &
  ThisType<Instance<D, C>>

/** A page of ours: `heading` gives its title; `show` of the options is called at every onShow. */
export function page<D extends Data, C extends Custom>(options: Options<D, C>): void {
  const { heading, onLoad, onShow, onUnload, ...rest } = options as Options<Data, Custom>
  Page({
    ...rest,
    data: { state: 'loading', problem: '', ...look(), ...options.data },
    onLoad(this: Instance<Data, Custom>, query: Record<string, string | undefined>) {
      const dress = (now: Look) => {
        this.setData({ ...now })
        if (getCurrentPages().pop() === (this as unknown)) wx.setNavigationBarTitle({ title: heading() })
      }
      ;(this as Custom)._stop = watch(dress)
      dress(look())
      onLoad?.call(this, query)
    },
    onShow(this: Instance<Data, Custom>) {
      wx.setNavigationBarTitle({ title: heading() })
      onShow?.call(this)
    },
    onUnload(this: Instance<Data, Custom>) {
      ;(this as Custom)._stop()
      onUnload?.call(this)
    },
  } as unknown as WechatMiniprogram.Page.Options<Data, Custom>)
}

interface Fillable {
  _turns?: Record<string, number>
  data: { state?: string }
  setData(data: Data): void
}

/** Shows what `ask` brings. What was there before stays when the network is away; a refusal is told in its sentence.
 * Of several with the same `turn` only the last one's answer is shown, whichever comes first; one that does not `begin`
 * goes on with what is there, and gives way to one that does. */
export async function fill(target: Fillable, ask: () => Promise<Data>, turn = '', begins = true): Promise<boolean> {
  const turns = (target._turns = target._turns || {})
  const mine = (turns[turn] = (turns[turn] || 0) + Number(begins))
  const over = () => turn !== '' && turns[turn] !== mine
  try {
    const data = await ask()
    if (over()) return false
    target.setData({ ...data, state: 'ready', problem: '' })
    return true
  } catch (error) {
    if (over()) return false
    const offline = error instanceof Offline
    const nobody = error instanceof Refused && error.status === 401
    const state = nobody ? 'signin' : target.data.state === 'ready' ? 'ready' : offline ? 'offline' : 'error'
    target.setData({ state, problem: sentence(error) })
    return false
  }
}

/** For components: `lang` and `elder` follow the reader's choice. */
export const dressed = Behavior({
  data: { lang: 'zh', elder: '' },
  lifetimes: {
    attached() {
      this.setData({ ...look() })
      ;(this as Custom)._stop = watch((now) => this.setData({ ...now }))
    },
    detached() {
      ;(this as Custom)._stop()
    },
  },
})
