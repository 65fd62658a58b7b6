import { dressed } from '../../lib/page'
import { answer, watchSheet } from '../../services/privacy'

/** The platform's question before camera, album or place are used the first time. Stands on each page that uses one. */
Component({
  behaviors: [dressed],
  data: { open: false, contract: '' },
  lifetimes: {
    attached() {
      wx.getPrivacySetting({ success: ({ privacyContractName }) => this.setData({ contract: privacyContractName }) })
      Object.assign(this, { stopSheet: watchSheet((open) => this.setData({ open })) })
    },
    detached() {
      ;(this as unknown as { stopSheet: () => void }).stopSheet()
    },
  },
  methods: {
    read() {
      wx.openPrivacyContract({})
    },
    agree() {
      answer(true)
    },
    refuse() {
      answer(false)
    },
  },
})
