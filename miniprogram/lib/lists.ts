import type { List } from './shapes'

/** One more page under what is there already, nothing twice. */
export function joined<T>(before: T[], more: List<T>, name: (row: T) => unknown): { items: T[]; older: string } {
  const known = new Set(before.map(name))
  return { items: [...before, ...more.items.filter((row) => !known.has(name(row)))], older: more.older || '' }
}
