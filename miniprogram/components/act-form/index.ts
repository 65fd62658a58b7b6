import { t } from '../../lib/look'
import { dressed } from '../../lib/page'
import type { Act, Field } from '../../lib/shapes'
import type { As } from '../../services/session'
import { keepWritten, written } from '../../services/written'

type Shown = Field & { value: string | string[] }

/** The questions of an act as the server asks them; tells `send` with the answers and the photos. */
Component({
  behaviors: [dressed],
  properties: {
    act: { type: Object as never, value: null as Act | null },
    label: String,
    /** Where the form stands, and in whose name: what is written in it waits there until the page has sent it. */
    of: String,
    as: { type: String as never, value: 'resident' as As },
    busy: Boolean,
    problem: String,
    /** The field that the refusal in `problem` is about. */
    field: String,
  },
  data: { fields: [] as Shown[], photos: [] as string[], wrong: '', placed: false },
  observers: {
    act(act: Act | null) {
      if (!act) return
      const kept = written<{ said: [string, string | string[]][]; photos: string[] }>(this.data.as, this.data.of)
      const before = new Map(this.data.fields.length ? this.data.fields.map((field) => [field.name, field.value]) : kept.said || [])
      if (!this.data.fields.length && kept.photos) this.setData({ photos: kept.photos })
      const fields = act.fields.map((field) => ({ ...field, value: before.get(field.name) ?? field.value ?? (field.kind === 'checks' ? [] : '') }))
      this.setData({ fields })
    },
    'problem, field'(_problem: string, field: string) {
      this.setData({ wrong: field, placed: this.data.fields.some((one) => one.name === field) })
    },
  },
  methods: {
    put(name: string, value: string | string[]) {
      this.setData({ [`fields[${this.data.fields.findIndex((field) => field.name === name)}].value`]: value })
      this.keep()
    },
    keep() {
      const { as, of, fields, photos } = this.data
      keepWritten(as, of, { said: fields.map((field) => [field.name, field.value]), photos })
    },
    type(event: WechatMiniprogram.Input) {
      this.put(String(event.currentTarget.dataset.name), event.detail.value)
    },
    pick(event: WechatMiniprogram.CustomEvent<{ value: string | string[] }>) {
      this.put(String(event.currentTarget.dataset.name), event.detail.value)
    },
    take(event: WechatMiniprogram.CustomEvent<{ photos: string[] }>) {
      this.setData({ photos: event.detail.photos })
      this.keep()
    },
    done() {
      const { fields, photos } = this.data
      const missing = fields.find((field) => field.required && !(field.kind === 'photos' ? photos : field.value).length)
      if (missing) {
        this.setData({ problem: t('请填这一项：%(label)s', { label: missing.label }), field: missing.name })
        return
      }
      const said: Record<string, string | string[]> = {}
      for (const field of fields) if (field.kind !== 'photos') said[field.name] = field.value
      this.triggerEvent('send', { said, photos })
    },
  },
})
