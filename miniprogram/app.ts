import { watchPrivacy } from './services/privacy'
import { watchNetwork } from './services/outbox'

App({
  onLaunch() {
    watchPrivacy()
  },
  onShow() {
    watchNetwork()
  },
})
