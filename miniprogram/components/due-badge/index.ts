import type { Due } from '../../lib/shapes'

const GLYPH: Record<Due['kind'], string> = { ok: 'clock', soon: 'half', late: 'alert', paused: 'pause', kept: 'check' }

/** A deadline: a shape, a word and a number. */
Component({
  properties: { due: { type: Object as never, value: null as Due | null } },
  data: { glyph: '' },
  observers: {
    due(due: Due | null) {
      if (due) this.setData({ glyph: GLYPH[due.kind] })
    },
  },
})
