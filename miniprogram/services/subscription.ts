// Permission for one message in WeChat. The platform takes it only in the tap itself, and each "yes" is worth one
// message: so it is asked where somebody waits for one, and the answer goes to the server.
import { post } from './api'
import type { As } from './session'
import type { Template } from '../lib/shapes'

const MOST = 5 // ids in one question

export function remember(templates: Template[] | undefined): void {
  if (templates) wx.setStorageSync('templates', templates)
}

export function templatesFor(...uses: Template['for'][]): string[] {
  const known = (wx.getStorageSync('templates') as Template[] | '') || []
  return known.filter((template) => uses.includes(template.for)).map((template) => template.id).slice(0, MOST)
}

/** To be called in a tap, before anything that waits. True when at least one message was allowed. */
export async function askToTell(ids: string[], as: As = 'resident'): Promise<boolean> {
  if (!ids.length) return false
  let answer: Record<string, string>
  try {
    answer = (await wx.requestSubscribeMessage({ tmplIds: ids })) as unknown as Record<string, string>
  } catch {
    return false // the main switch is off, or the question could not be shown: SMS and the inbox tell all the same
  }
  const results: Record<string, string> = {}
  for (const id of ids) if (answer[id]) results[id] = answer[id]
  await post('/subscriptions', { results }, undefined, as).catch(() => undefined)
  return Object.keys(results).some((id) => results[id] === 'accept')
}
