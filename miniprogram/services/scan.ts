import { t } from '../lib/look'

/** The code of a plate in what was scanned: a mini-program code's scene, or the plain link beside it. */
export function plateIn(scanned: string): string {
  const found = /[?&]scene=([^&#]+)/.exec(scanned) || /\/p\/([^/?#]+)/.exec(scanned)
  return found ? decodeURIComponent(found[1]) : ''
}

/** Scans a plate and opens its page. */
export async function scanPlate(): Promise<void> {
  const code = await scanCode()
  if (code) wx.navigateTo({ url: `/pages/plate/index?scene=${encodeURIComponent(code)}` })
}

export async function scanCode(): Promise<string> {
  let scanned
  try {
    scanned = await wx.scanCode({ scanType: ['wxCode', 'qrCode'] } as unknown as WechatMiniprogram.ScanCodeOption)
  } catch {
    return ''
  }
  const code = plateIn(scanned.path || scanned.result || '')
  if (!code) wx.showToast({ title: t('这不是门牌上的码。'), icon: 'none' })
  return code
}
