import { dressed } from '../../lib/page'
import { answer, watchSheet } from '../../services/privacy'

/** The platform's question before camera, album, place, telephone number or clipboard are used the first time. Stands on
 * each page that uses one; `use` says which: nothing for camera and place, phone, clip. */
Component({
  behaviors: [dressed],
  properties: { use: String },
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
