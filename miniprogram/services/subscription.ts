// Permission for one message in WeChat. The platform takes it only in the tap itself, and each "yes" is worth one
// message: so it is asked where somebody waits for one, and the answer goes to the server.
import { get, post } from './api'
import type { As } from './session'
import type { Home, Template } from '../lib/shapes'

const MOST = 5 // ids in one question

const key = (as: As) => `templates-${as}`

export function remember(templates: Template[] | undefined, as: As = 'resident'): void {
  if (templates) wx.setStorageSync(key(as), templates)
}

/** For pages that may be opened before the first one: what may be asked about, fetched where it is not known. */
export async function templatesOf(as: As, ...uses: Template['for'][]): Promise<string[]> {
  if (!templatesFor(...uses).length) {
    const home = await get<Home>('/home', as).catch(() => null)
    if (home) remember(home.templates, as)
  }
  return templatesFor(...uses)
}

export function templatesFor(...uses: Template['for'][]): string[] {
  const kept = (as: As) => (wx.getStorageSync(key(as)) as Template[] | '') || []
  const known = [...kept('resident'), ...kept('staff')]
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
