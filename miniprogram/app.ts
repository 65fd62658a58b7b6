import { watchPrivacy } from './services/privacy'
import { watchNetwork } from './services/outbox'
import { tidyFiles, watchTraces } from './services/traces'

App({
  onLaunch() {
    watchPrivacy()
    watchTraces()
    tidyFiles()
  },
  onShow() {
    watchNetwork()
  },
})
