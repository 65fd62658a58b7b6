import { dressed } from '../../lib/page'

/** 谁在办 · 几时好 · 办得怎样: always these three, always in this order. */
Component({ behaviors: [dressed], properties: { of: { type: Object, value: {} } } })
