// The platform asks before camera, album, place, telephone number or clipboard are used the first time; our sheet says why and has the button.
type Resolve = (answer: { event: 'agree' | 'disagree' | 'exposureAuthorization'; buttonId?: string }) => void

let waiting: Resolve | null = null
const sheets = new Set<(open: boolean) => void>()

export const AGREE = 'privacy-agree'

export function watchPrivacy(): void {
  wx.onNeedPrivacyAuthorization((resolve) => {
    waiting = resolve as unknown as Resolve
    sheets.forEach((tell) => tell(true))
  })
}

/** A page's sheet, shown when the platform asks; ends with the function that is returned. */
export function watchSheet(tell: (open: boolean) => void): () => void {
  sheets.add(tell)
  return () => sheets.delete(tell)
}

export function answer(agreed: boolean): void {
  waiting?.(agreed ? { event: 'agree', buttonId: AGREE } : { event: 'disagree' })
  waiting = null
  sheets.forEach((tell) => tell(false))
}
