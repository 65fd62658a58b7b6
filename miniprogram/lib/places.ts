// Places to choose from, from above to below.
import { getKept } from '../services/api'
import type { Named } from './shapes'

export interface Option {
  value: string
  label: string
  more?: string
  group?: string | null
}

export interface PlaceNode extends Named {
  kind: 'compound' | 'building' | 'entrance' | 'room' | 'public'
  bindable: boolean
  parts: (Named & { kind: string })[]
}

interface Choices {
  communities: { name: string; compounds: Named[] }[]
  public: Named[]
}

let choices: Promise<Choices> | null = null

function known(): Promise<Choices> {
  choices = choices || getKept<Choices>('/places/choices')
  choices.catch(() => (choices = null))
  return choices
}

export async function compoundOptions(): Promise<Option[]> {
  const { communities } = await known()
  return communities.flatMap(({ name, compounds }) => compounds.map((place) => ({ value: String(place.id), label: place.name, group: name })))
}

export async function publicOptions(): Promise<Option[]> {
  return (await known()).public.map((place) => ({ value: String(place.id), label: place.name }))
}

/** What lies below a place; the name of what is above is not said again. */
export const partOptions = (place: PlaceNode): Option[] =>
  place.parts.map((part) => ({ value: String(part.id), label: part.name.startsWith(place.name) ? part.name.slice(place.name.length).trim() || part.name : part.name }))
