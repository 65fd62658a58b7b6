// The stack of pages, the tab bar and their life: onLoad, onShow, onReady, onHide, onUnload.

const stack = [] // of { route, options, box, root, page }
const tabs = new Map() // route -> the same, kept alive
let frame // { app, pages, create }
let tapped = 0

export const tapping = () => Date.now() - tapped < 1000 && tapped > 0
export const tap = () => { tapped = Date.now() }
export const untap = () => { tapped = 0 }

const place = (id) => document.getElementById(id)
const isTab = (route) => (frame.app.tabBar?.list ?? []).some((tab) => tab.pagePath === route)
const top = () => stack.at(-1)
export const getCurrentPages = () => stack.map((entry) => entry.page)

export function setTitle(title) {
  place('title').textContent = title
  top().title = title
}

function parse(url) {
  const base = top() ? `/${top().route}` : '/'
  const { pathname, searchParams } = new URL(url, `http://mini${base}`)
  const route = pathname.slice(1)
  if (!frame.pages.includes(route)) throw new Error(`page "${route}" is not found`)
  return [route, Object.fromEntries(searchParams)]
}

function open(route, options) {
  const box = document.createElement('div')
  box.className = 'mp-page'
  box.dataset.page = route
  place('stage').append(box)
  const { root, page } = frame.create(route, box)
  Object.assign(page, { route, options })
  const entry = { route, options, box, root, page, title: '' }
  if (isTab(route) && frame.app.tabBar.custom) {
    entry.bar = document.createElement('div')
    place('tabs').append(entry.bar)
    const bar = frame.create('custom-tab-bar/index', entry.bar)
    page.getTabBar = () => bar.page
  }
  stack.push(entry)
  page.onLoad?.(options)
  show()
  page.onReady?.()
}

function show() {
  const now = top()
  for (const entry of [...stack, ...tabs.values()]) {
    entry.box.hidden = entry !== now
    if (entry.bar) entry.bar.hidden = entry !== now
  }
  place('back').hidden = stack.length < 2
  place('title').textContent = now.title
  const query = new URLSearchParams(now.options).toString()
  history.replaceState(null, '', `#/${now.route}${query ? `?${query}` : ''}`)
  scrollTo(0, now.scroll ?? 0)
  now.page.onShow?.()
}

function hide() {
  const now = top()
  if (!now) return
  now.scroll = scrollY
  now.page.onHide?.()
}

function close(entry) {
  entry.page.onUnload?.()
  entry.root.release?.()
  entry.box.remove()
  entry.bar?.remove()
}

// A page that leaves the stack: a tab's stays alive.
function leave(entry) {
  if (isTab(entry.route)) tabs.set(entry.route, entry)
  else close(entry)
}

export function navigateTo(url) {
  const [route, options] = parse(url)
  if (isTab(route)) throw new Error('can not navigateTo a tabbar page')
  if (stack.length >= 10) throw new Error('webview count limit exceed')
  hide()
  open(route, options)
}

export function redirectTo(url) {
  const [route, options] = parse(url)
  if (isTab(route)) throw new Error('can not redirectTo a tabbar page')
  leave(stack.pop())
  open(route, options)
}

export function switchTab(url) {
  const [route, options] = parse(url)
  if (!isTab(route)) throw new Error('can not switch to no-tabBar page')
  hide()
  while (stack.length) leave(stack.pop())
  const kept = tabs.get(route)
  tabs.delete(route)
  if (kept) { stack.push(kept); show() } else open(route, options)
}

export function reLaunch(url) {
  const [route, options] = parse(url)
  while (stack.length) close(stack.pop())
  tabs.forEach(close)
  tabs.clear()
  open(route, options)
}

export function navigateBack(delta) {
  if (stack.length < 2) return
  for (let n = 0; n < delta && stack.length > 1; n += 1) close(stack.pop())
  show()
}

export function begin(made) {
  frame = made
  place('back').addEventListener('click', () => navigateBack(1))
  addEventListener('visibilitychange', () => document.hidden || frame.shown?.())
  // A code that was scanned comes as ?scene=, a page that was open before as #/route.
  const scene = new URLSearchParams(location.search).get('scene')
  const hash = location.hash.startsWith('#/') ? location.hash.slice(1) : ''
  if (scene) return open('pages/plate/index', { scene })
  try {
    return open(...parse(hash || `/${frame.app.pages[0]}`))
  } catch {
    return open(frame.app.pages[0], {})
  }
}
