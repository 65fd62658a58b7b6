// The JSON of /api/v1, as far as the mini-program reads it.

export interface Account {
  /** Says on this phone whose something is; nothing can be read from it. */
  ref: string
  kind: 'resident' | 'staff'
  name: string
  masked_phone: string
  language: string
  posts: { role: string; role_words: string; area: string }[]
}

export interface WorkerCard {
  name: string
  photo: string | null
  grid: string
  community: string
  area_words: string
  hours: string
  phone: string | null
  can_call: boolean
  stand_in: boolean
  stand_in_for: string | null
  on_duty: boolean
  on_duty_words: string
  backup: string | null
}

export interface Due {
  at: string | null
  words: string
  kind: 'ok' | 'soon' | 'late' | 'paused' | 'kept'
}

export interface MatterCard {
  number: string
  title: string
  turn: boolean
  phase: string
  word: string
  who: string
  who_more: string
  by: string
  by_more: string
  how: string
  how_more: string
  due: Due | null
}

export interface PhotoRef {
  id: string
  url: string
  thumb: string
  caption: string
  after: boolean
}

export interface Sound {
  id: string | null
  url: string | null
  seconds: number
  transcript: { text: string; by: string; at_words: string } | null
}

export interface Line {
  title: string
  note: string
  at_words: string
  photos: PhotoRef[]
  took: string | null
}

export interface Field {
  name: string
  kind: 'text' | 'textarea' | 'radios' | 'checks' | 'select' | 'date' | 'photos' | 'hidden'
  label: string
  help: string
  required: boolean
  options: { value: string; label: string; group: string | null }[]
  value: string | string[] | null
  most: number | null
}

export interface Act {
  name: string
  label: string
  fields: Field[]
  primary: boolean
}

export interface DeskAct extends Act {
  /** Whether it may wait on the phone until there is a signal. */
  offline: boolean
}

export interface Matter extends MatterCard {
  version: number
  text: string
  /** Its words, photos and voice are shown when they are asked for, not at a glance. */
  hushed: boolean
  place_words: string
  category: string
  plan: string | null
  lines: Line[]
  ahead: { title: string; who: string; kind: string }[]
  photos: PhotoRef[]
  sound: Sound | null
  headcount: number
  acts: Act[]
  can_dispute_until_words: string | null
  joined: boolean
}

export interface Named {
  id: number
  name: string
}

export interface Coded {
  code: string
  name: string
}

export interface Template {
  id: string
  for: 'closed' | 'accepted' | 'asking' | 'task'
}

export interface Home {
  account: Account | null
  worker: WorkerCard | null
  dwelling: { place: number; name: string } | null
  waiting: MatterCard[]
  unread: number
  dial: { name: string; number: string }[]
  demo: boolean
  templates?: Template[]
}

export interface Place {
  how: 'plate' | 'home' | 'choose' | 'public' | 'point' | 'address'
  plate?: string
  place?: number
  lat?: number
  lon?: number
  datum?: 'gcj02'
  address?: string
  floor?: string
  mark?: string
}

export interface Said {
  id: number
  mine: boolean
  name: string
  body: string
  at_words: string
  photos: PhotoRef[]
  matter: string | null
}

export interface DeskCard {
  number: string
  title: string
  place: string
  urgency: string
  urgency_words: string
  phase: string
  state_words: string
  due: Due | null
  headcount: number
  seen: boolean
  thumb: string | null
  quick: DeskAct | null
}

export interface DeskCase extends DeskCard {
  version: number
  text: string
  category: string
  wanted: string
  reporter_words: string
  can_contact: boolean
  lines: Line[]
  photos: PhotoRef[]
  sound: Sound | null
  route_words: string
  acts: DeskAct[]
  point: { lat: number; lon: number } | null
  links?: { unit: string; url: string }[]
}

export interface List<T> {
  items: T[]
  older: string | null
}
