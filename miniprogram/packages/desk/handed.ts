// What an act tells the page of its case: a word of thanks, and links that are shown this once.
interface Told {
  thanks: string
  links: { unit: string; url: string }[]
}

const told = new Map<string, Told>()

export const handed = {
  put: (number: string, what: Told): void => void told.set(number, what),
  take(number: string): Told | undefined {
    const what = told.get(number)
    told.delete(number)
    return what
  },
}
