// The calls of `wx` that our source makes, on a browser: requests go to the real server, what the phone would show
// (a sheet, a camera, a map) is drawn in its simplest form. Nothing here runs at import, so the build can list it.
import { blobOf, keep, remove, save, saved, urlOf } from './files.mjs'
import { ask, menu, notice, sheet, showToast } from './sheets.mjs'
import * as pages from './pages.mjs'

const OK = 'ok'
const PREFIX = 'mini:'

// A call in WeChat's manner: callbacks where there are any, else a promise.
function call(name, run) {
  return (options = {}) => {
    const done = run(options).then(
      (result) => ({ errMsg: `${name}:${OK}`, ...result }),
      (error) => Promise.reject({ ...error, errMsg: `${name}:fail ${error.errMsg ?? error.message ?? error}` }),
    )
    if (!options.success && !options.fail && !options.complete) return done
    done.then((result) => { options.success?.(result); options.complete?.(result) },
      (error) => { options.fail?.(error); options.complete?.(error) })
    return undefined
  }
}

const cancelled = () => Promise.reject({ errMsg: 'cancel' })

// The demo's own questions to its server: codes of the made-up platform, plates to scan, points to choose.
export async function demo(what, query = {}) {
  const answer = await fetch(`/mini/demo/${what}?${new URLSearchParams(query)}`, { credentials: 'omit' })
  const said = await answer.json()
  if (!answer.ok) throw new Error(`${what}: ${answer.status}`)
  return said
}

export function user() {
  let id = localStorage.getItem('mini-user')
  if (!id) localStorage.setItem('mini-user', (id = `guest-${Math.random().toString(36).slice(2, 10)}`))
  return id
}

export async function sharePhone() {
  if (!(await permitted('getPhoneNumber'))) return { errMsg: 'getPhoneNumber:fail privacy permission is not authorized', errno: 104 }
  const { phones } = await demo('people')
  const phone = await ask({
    title: '微连心 申请使用您的手机号', text: '演示里的号码都是编的。',
    options: phones.map(({ phone, name }) => [phone, `${phone} ${name}`]), other: '别的号码', go: '允许', stop: '不允许',
  })
  if (!phone) return { errMsg: 'getPhoneNumber:fail user deny' }
  const { code } = await demo('code', { kind: 'phone', user: user(), phone })
  return { errMsg: 'getPhoneNumber:ok', code }
}

// Network

const online = new Set()

async function reach(url, options) {
  try {
    return await fetch(url, { credentials: 'omit', signal: AbortSignal.timeout(60_000), ...options })
  } catch (error) {
    throw { errMsg: error.name === 'TimeoutError' ? 'timeout' : navigator.onLine ? 'network error' : 'interrupted' }
  }
}

async function request({ url, method = 'GET', header = {}, data }) {
  const body = data === undefined || method === 'GET' ? undefined : typeof data === 'string' ? data : JSON.stringify(data)
  const answer = await reach(url, { method, headers: { ...(body && { 'content-type': 'application/json' }), ...header }, body })
  const text = await answer.text()
  let said = text
  try { said = JSON.parse(text) } catch { /* stays text, as on a phone */ }
  return { statusCode: answer.status, data: said, header: Object.fromEntries(answer.headers) }
}

async function uploadFile({ url, filePath, name, header = {}, formData = {} }) {
  const blob = await blobOf(filePath)
  if (!blob) throw { errMsg: 'file not found' }
  const form = new FormData()
  for (const [key, value] of Object.entries(formData)) form.append(key, value)
  form.append(name, blob, filePath.split('_').pop())
  const answer = await reach(url, { method: 'POST', headers: header, body: form })
  return { statusCode: answer.status, data: await answer.text() } // a string, whatever it is
}

async function downloadFile({ url, header = {} }) {
  const answer = await reach(url, { headers: header })
  return { statusCode: answer.status, tempFilePath: keep(await answer.blob()) }
}

// Camera, album, recorder

function files(accept, multiple) {
  return new Promise((resolve, reject) => {
    const input = Object.assign(document.createElement('input'), { type: 'file', accept, multiple, hidden: true })
    document.body.append(input)
    const end = (list) => { input.remove(); list.length ? resolve(list) : reject({ errMsg: 'cancel' }) }
    input.addEventListener('change', () => end([...input.files]))
    input.addEventListener('cancel', () => end([]))
    input.click()
  })
}

async function chooseMedia({ count = 9 }) {
  const list = await files('image/*', count > 1)
  return { type: 'image', tempFiles: list.slice(0, count).map((file) => ({ tempFilePath: keep(file, file.name.split('.').pop() || 'jpg'), size: file.size, fileType: 'image' })) }
}

// One second of silence as MPEG-1 layer III, 32 kbit/s, 32 kHz, mono: frames of 144 bytes and 36 ms each.
function silence(ms) {
  const frame = new Uint8Array(144)
  frame.set([0xff, 0xfb, 0x18, 0xc0])
  return new Blob(Array.from({ length: Math.max(4, Math.round(ms / 36)) }, () => frame), { type: 'audio/mpeg' })
}

let recorder
function getRecorderManager() {
  const on = {}
  let since = 0, timer
  const stop = () => {
    if (!since) return
    clearTimeout(timer)
    const duration = Date.now() - since
    since = 0
    on.stop?.({ tempFilePath: keep(silence(duration), 'mp3'), duration, fileSize: 0 })
  }
  return (recorder ??= {
    start({ duration = 60_000 } = {}) { since = Date.now(); timer = setTimeout(stop, duration); on.start?.() },
    stop,
    onStart: (told) => { on.start = told },
    onStop: (told) => { on.stop = told },
    onError: (told) => { on.error = told },
  })
}

function createInnerAudioContext() {
  const audio = new Audio(), on = {}
  audio.addEventListener('ended', () => on.ended?.())
  audio.addEventListener('error', () => on.error?.({ errMsg: 'cannot play' }))
  return {
    set src(path) { urlOf(path).then((url) => { audio.src = url }) },
    play: () => setTimeout(() => audio.play().catch(() => on.error?.({ errMsg: 'cannot play' })), 50),
    stop: () => audio.pause(),
    destroy: () => audio.pause(),
    onEnded: (told) => { on.ended = told },
    onError: (told) => { on.error = told },
  }
}

// Places and codes

async function chooseLocation() {
  const { points } = await demo('places')
  const chosen = await ask({ title: '选一个地点', text: '手机上这里是地图，给出的坐标是 GCJ-02。', options: points.map((p, n) => [String(n), p.name]), go: '确定', stop: '取消' })
  if (chosen === null) return cancelled()
  const { name, lat, lon } = points[Number(chosen)]
  return { name, address: name, latitude: lat, longitude: lon }
}

async function scanCode() {
  const { plates } = await demo('places')
  const code = await ask({ title: '扫一扫', text: '手机上这里是相机。', options: plates.map((p) => [p.code, p.name]), other: '门牌上的字', go: '扫这块', stop: '取消' })
  if (code === null) return cancelled()
  return { scanType: 'WX_CODE', path: `pages/plate/index?scene=${encodeURIComponent(code)}`, result: '' }
}

// Permissions

async function requestSubscribeMessage({ tmplIds }) {
  if (!pages.tapping()) throw { errCode: 10001, errMsg: 'can only be invoked by user TAP gesture.' }
  if (!tmplIds?.length) throw { errCode: 20001, errMsg: 'No template data return, verify the template id exist' }
  if (tmplIds.length > 5) throw { errCode: 20003, errMsg: 'Templates count out of max bounds' }
  const yes = await sheet({ title: '微连心 申请给您发送消息', text: `${tmplIds.length} 种一次性消息：有进展时在微信里告诉您。`, buttons: [['允许', 'accept', 'go'], ['拒绝', 'reject']] })
  const { results, errCode } = await demo('answer', { user: user(), ids: tmplIds.join(','), answer: yes ?? 'reject' })
  if (errCode) throw { errCode, errMsg: 'not shown' }
  return results
}

const privacy = { asked: undefined, agreed: () => localStorage.getItem('mini-privacy') === '1' }

// What needs the agreement of the privacy guideline: first time, the page is asked for its own sheet.
async function permitted(name) {
  if (privacy.agreed() || !privacy.asked) return true
  const answer = await new Promise((resolve) => privacy.asked(resolve, { referrer: name }))
  if (answer.event !== 'agree') return false
  localStorage.setItem('mini-privacy', '1')
  return true
}

function guarded(name, run) {
  return call(name, async (options) => {
    if (!(await permitted(name))) throw { errno: 104, errMsg: 'user has refused the privacy agreement' }
    return run(options)
  })
}

const storageKeys = () => Object.keys(localStorage).filter((key) => key.startsWith(PREFIX))

export const wx = {
  request: call('request', request),
  uploadFile: call('uploadFile', uploadFile),
  downloadFile: call('downloadFile', downloadFile),
  getNetworkType: call('getNetworkType', async () => ({ networkType: navigator.onLine ? 'wifi' : 'none' })),
  onNetworkStatusChange: (told) => { online.add(told) },
  login: call('login', async () => demo('code', { kind: 'login', user: user() })),
  chooseMedia: guarded('chooseMedia', chooseMedia),
  chooseLocation: guarded('chooseLocation', chooseLocation),
  scanCode: call('scanCode', scanCode),
  getRecorderManager,
  createInnerAudioContext,
  requestSubscribeMessage: call('requestSubscribeMessage', requestSubscribeMessage),
  getPrivacySetting: call('getPrivacySetting', async () => ({ needAuthorization: !privacy.agreed(), privacyContractName: '《微连心小程序隐私保护指引》' })),
  onNeedPrivacyAuthorization: (told) => { privacy.asked = told },
  openPrivacyContract: call('openPrivacyContract', async () => void (await notice('小程序隐私保护指引', '手机上这里打开公众平台里填好的那份指引。'))),
  makePhoneCall: call('makePhoneCall', async ({ phoneNumber }) => void (await notice('拨打电话', phoneNumber))),
  setClipboardData: guarded('setClipboardData', async ({ data }) => { await navigator.clipboard?.writeText(data).catch(() => {}); showToast('内容已复制') }),
  previewImage: call('previewImage', async ({ urls, current }) => {
    await sheet({ image: await urlOf(current ?? urls[0]), buttons: [['关闭', 'close']] })
  }),
  openLocation: call('openLocation', async ({ name, latitude, longitude }) => void (await notice(name ?? '位置', `${latitude.toFixed(5)}, ${longitude.toFixed(5)}`))),
  showModal: call('showModal', async ({ title, content, confirmText = '确定', cancelText = '取消', showCancel = true }) => {
    const said = await sheet({ middle: true, title, text: content, buttons: [...(showCancel ? [[cancelText, 'cancel']] : []), [confirmText, 'confirm', 'go']], row: true })
    return { confirm: said === 'confirm', cancel: said !== 'confirm' }
  }),
  showActionSheet: call('showActionSheet', async ({ itemList }) => {
    const tapIndex = await sheet({ buttons: [...itemList.map((label, n) => [label, n]), ['取消', null]] })
    return tapIndex === null ? cancelled() : { tapIndex }
  }),
  showToast: call('showToast', async ({ title }) => showToast(title)),
  stopPullDownRefresh: call('stopPullDownRefresh', async () => {}),
  pageScrollTo: call('pageScrollTo', async ({ scrollTop = 0, selector }) => {
    const target = selector && document.querySelector(`.mp-page:not([hidden]) ${selector}`)
    target ? target.scrollIntoView({ block: 'center' }) : scrollTo(0, scrollTop)
  }),
  setStorageSync: (key, value) => localStorage.setItem(PREFIX + key, JSON.stringify(value)),
  getStorageSync: (key) => JSON.parse(localStorage.getItem(PREFIX + key) ?? '""'),
  getStorageInfoSync: () => ({ keys: storageKeys().map((key) => key.slice(PREFIX.length)) }),
  removeStorageSync: (key) => localStorage.removeItem(PREFIX + key),
  getFileSystemManager: () => ({
    saveFile: call('saveFile', async ({ tempFilePath }) => ({ savedFilePath: await save(tempFilePath) })),
    getSavedFileList: call('getSavedFileList', async () => ({ fileList: (await saved()).map((filePath) => ({ filePath })) })),
    removeSavedFile: call('removeSavedFile', async ({ filePath }) => { await remove(filePath) }),
  }),
  setNavigationBarTitle: call('setNavigationBarTitle', async ({ title }) => pages.setTitle(title)),
  navigateTo: call('navigateTo', async ({ url }) => pages.navigateTo(url)),
  redirectTo: call('redirectTo', async ({ url }) => pages.redirectTo(url)),
  reLaunch: call('reLaunch', async ({ url }) => pages.reLaunch(url)),
  switchTab: call('switchTab', async ({ url }) => pages.switchTab(url)),
  navigateBack: call('navigateBack', async ({ delta = 1 } = {}) => pages.navigateBack(delta)),
}

export const known = Object.keys(wx)

export function listen() {
  const tell = () => online.forEach((told) => told({ isConnected: navigator.onLine, networkType: navigator.onLine ? 'wifi' : 'none' }))
  addEventListener('online', tell)
  addEventListener('offline', tell)
}

// What came in WeChat, newest first; a tap opens the page that the message leads to.
async function received() {
  const { received: rows } = await demo('messages', { user: user() }).catch(() => ({ received: [] }))
  const buttons = [...rows].reverse().slice(0, 20).map(({ title, lines, page }) => [`${title}\n${lines.map(([label, value]) => `${label}：${value}`).join('\n')}`, page || 'pages/home/index', 'message'])
  const page = await sheet({ title: '服务通知', text: rows.length ? '点一条，打开它说的那件事。' : '还没有消息。报事以后同意接收，有进展时消息会到这里。', buttons: [...buttons, ['关闭', null]] })
  if (page) pages.reLaunch(`/${page}`)
}

// The capsule's menu: what a visitor of the demo may want that a phone has in other places.
export async function capsule() {
  const chosen = await menu('演示', [['扫一块门牌', 'scan'], ['微信里收到的消息', 'messages'], ['当一回网格员', 'worker'], ['换一个微信用户（手机里的数据清空）', 'user'], ['回到网页版', 'portal']])
  if (chosen === 'scan') {
    const { path } = await scanCode().catch(() => ({}))
    if (path) await pages.navigateTo(`/${path}`)
  } else if (chosen === 'messages') {
    await received()
  } else if (chosen === 'worker') {
    const { worker } = await demo('people')
    await notice(`网格员 ${worker.name}`, `登录名 ${worker.username}，密码 ${worker.password}（只在演示里有用）`)
    pages.reLaunch('/packages/desk/signin/index')
  } else if (chosen === 'user') {
    localStorage.removeItem('mini-user')
    localStorage.removeItem('mini-privacy')
    storageKeys().forEach((key) => localStorage.removeItem(key))
    location.replace('./')
  } else if (chosen === 'portal') {
    location.assign('/')
  }
}
