import { dressed } from '../../lib/page'

/** Where one is in the three steps of a report. */
Component({ behaviors: [dressed], properties: { here: Number } })
