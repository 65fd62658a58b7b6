// Photos and sound of the phone: chosen, and kept so that they outlive the page and the app.
import { t } from '../lib/look'

/** Paths of up to `count` photos, kept; none when whoever was asked changed their mind. */
export async function takePhotos(count: number): Promise<string[]> {
  let chosen
  try {
    chosen = await wx.chooseMedia({ count: Math.min(count, 9), mediaType: ['image'], sourceType: ['camera', 'album'], sizeType: ['compressed'] })
  } catch (error) {
    const { errMsg = '', errno } = error as { errMsg?: string; errno?: number }
    if (errno === 104 || /auth|privacy|deny/.test(errMsg)) wx.showToast({ title: t('没有照片也可以报。'), icon: 'none' })
    return []
  }
  return Promise.all(chosen.tempFiles.map(({ tempFilePath }) => keepFile(tempFilePath)))
}

export function keepFile(tempFilePath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    wx.getFileSystemManager().saveFile({
      tempFilePath,
      success: ({ savedFilePath }) => resolve(String(savedFilePath)),
      fail: ({ errMsg }) => reject(new Error(/size|limit/.test(errMsg) ? t('手机里存不下了，请先送出或删掉几张照片。') : errMsg)),
    })
  })
}
