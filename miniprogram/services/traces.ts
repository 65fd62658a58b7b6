// What the phone keeps of somebody beside their unsent acts: it goes when they go, and files that nothing names go too.
import { wipeDrafts } from './drafts'
import { removeFile } from './outbox'
import { As, watchAccount } from './session'
import { wipeWritten } from './written'

export function watchTraces(): void {
  watchAccount((as, other) => other && wipe(as))
}

function wipe(as: As): void {
  wx.removeStorageSync(`templates-${as}`)
  wipeWritten(as)
  if (as === 'resident') wipeDrafts()
}

/** At launch, before any page holds a file of its own: what was kept for a form that nobody goes on with is removed. */
export function tidyFiles(): void {
  wx.getFileSystemManager().getSavedFileList({
    success: ({ fileList }) => {
      const named = wx.getStorageInfoSync().keys.map((key) => JSON.stringify(wx.getStorageSync(key))).join('\n')
      for (const { filePath } of fileList) if (!named.includes(filePath)) removeFile(filePath)
    },
    fail: () => undefined,
  })
}
