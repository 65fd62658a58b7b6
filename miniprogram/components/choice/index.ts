import { dressed } from '../../lib/page'

interface Option {
  value: string
  label: string
  more?: string
  group?: string | null
}

const MOST = 40 // rows drawn at once; the rest is found by words

/** Rows to choose from, the whole row being the target. Nothing is chosen unless `value` says so. */
Component({
  behaviors: [dressed],
  properties: {
    label: String,
    help: String,
    problem: String,
    required: Boolean,
    many: Boolean,
    /** Five bars beside each value from 5 to 1. */
    bars: Boolean,
    options: { type: Array, value: [] as Option[] },
    value: { type: null as never, value: '' as string | string[] },
  },
  data: { words: '', shown: [] as (Option & { on: boolean })[], left: 0 },
  observers: {
    'options, value, words'(options: Option[], value: string | string[], words: string) {
      const chosen = Array.isArray(value) ? value : [value]
      const found = options.filter((option) => !words || option.label.includes(words) || (option.group || '').includes(words))
      // What is chosen is always seen.
      const rows = found.filter((option, n) => n < MOST || chosen.includes(option.value))
      this.setData({ shown: rows.map((option) => ({ ...option, on: chosen.includes(option.value) })), left: found.length - rows.length })
    },
  },
  methods: {
    search(event: WechatMiniprogram.Input) {
      this.setData({ words: event.detail.value })
    },
    choose(event: WechatMiniprogram.BaseEvent) {
      const picked = String(event.currentTarget.dataset.value)
      if (!this.data.many) return this.triggerEvent('pick', { value: picked })
      const now = (this.data.value as unknown as string[]) || []
      return this.triggerEvent('pick', { value: now.includes(picked) ? now.filter((one) => one !== picked) : [...now, picked] })
    },
  },
})
