// Files as the platform has them: temporary ones are gone with the page, saved ones outlive it (in IndexedDB).
const SAVED = 'wxfile://store_'
const temporary = new Map() // path -> Blob
const urls = new Map()
let count = 0

function store(mode, act) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open('mini-files', 1)
    opening.onupgradeneeded = () => opening.result.createObjectStore('files')
    opening.onerror = () => reject(opening.error)
    opening.onsuccess = () => {
      const request = act(opening.result.transaction('files', mode).objectStore('files'))
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
    }
  })
}

// The temporary path of a Blob.
export function keep(blob, ending = 'jpg') {
  const path = `wxfile://tmp_${Date.now()}_${++count}.${ending}`
  temporary.set(path, blob)
  return path
}

export async function blobOf(path) {
  return temporary.get(path) ?? (path.startsWith(SAVED) ? await store('readonly', (files) => files.get(path)) : undefined)
}

export async function save(path) {
  const blob = await blobOf(path)
  if (!blob) throw new Error('no such file')
  const saved = `${SAVED}${path.split('tmp_').pop()}`
  await store('readwrite', (files) => files.put(blob, saved))
  return saved
}

export const saved = () => store('readonly', (files) => files.getAllKeys())

export const remove = (path) => store('readwrite', (files) => files.delete(path))

// What an <img> can show: a path of ours as the URL of its Blob; a file of the package from beside this page.
export async function urlOf(path) {
  if (path.startsWith('/generated/')) return path.slice('/generated/'.length)
  if (!path.startsWith('wxfile://')) return path
  if (!urls.has(path)) {
    const blob = await blobOf(path)
    if (!blob) return ''
    urls.set(path, URL.createObjectURL(blob))
  }
  return urls.get(path)
}
