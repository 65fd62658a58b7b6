import { phaseGlyph } from '../../lib/glyphs'
import type { MatterCard } from '../../lib/shapes'

/** A matter in a list; the whole card opens it. */
Component({
  properties: { card: { type: Object as never, value: null as MatterCard | null } },
  data: { glyph: 'ring' },
  observers: {
    card(card: MatterCard | null) {
      if (card) this.setData({ glyph: phaseGlyph(card.phase) })
    },
  },
  methods: {
    open() {
      const card = this.data.card as MatterCard | null
      if (card) wx.navigateTo({ url: `/pages/matter/index?number=${card.number}` })
    },
  },
})
