import type { Line, Matter } from '../../lib/shapes'

/** The thread: solid through what was done, dashed through what is promised, a diamond where the resident decides. */
Component({
  properties: {
    lines: { type: Array, value: [] as Line[] },
    ahead: { type: Array, value: [] as Matter['ahead'] },
    staff: Boolean,
  },
})
