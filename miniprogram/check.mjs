// What the platform would refuse at the upload or at run time, as far as it can be read from the source.
// `node check.mjs`; the limits are in docs/miniprogram.md.
import fs from 'node:fs'
import path from 'node:path'
import { parts } from './harness/build.mjs'
import { catalogue, generate, ROOT, sources, wordsUsed } from './harness/generate.mjs'

const OURS = 400 * 1024 // our own limit of the main package, so that it opens at once on an old phone
const PACKAGE = 2 * 1024 * 1024
const MOST_TABS = 5
const UNSAFE = [/\beval\(/, /\bnew Function\b/, /\bsetTimeout\(\s*['"`]/, /\brequire\(\s*[^'")]/, /\bdocument\./, /\bwindow\./, /\blocalStorage\b/, /\bfetch\(/]
const PRIVATE = ['getFuzzyLocation', 'getLocation', 'onLocationChange', 'startLocationUpdate', 'startLocationUpdateBackground', 'chooseLocation', 'choosePoi', 'chooseAddress']
const SCOPES = { chooseLocation: 'scope.userLocation', getLocation: 'scope.userLocation', getRecorderManager: 'scope.record' }
const NEEDS_AGREEMENT = ['chooseMedia', 'chooseLocation', 'setClipboardData', 'getRecorderManager'] // and the button getPhoneNumber

const faults = []
const text = (name) => fs.readFileSync(path.join(ROOT, name), 'utf8')
const has = (name) => fs.existsSync(path.join(ROOT, name))
const strip = (code) => code.replace(/\/\*[\s\S]*?\*\/|(^|[^:])\/\/.*/g, '$1')

generate()
const { app, pages, components } = parts()

// Files: a page or component is a script, a template and a configuration; a style where it has one of its own.
for (const part of [...pages, ...components.keys()]) {
  for (const ending of ['ts', 'wxml', 'json']) if (!has(`${part}.${ending}`)) faults.push(`${part}.${ending} is missing`)
}
for (const [part, tag] of components) {
  if (part !== 'custom-tab-bar/index' && path.posix.basename(path.posix.dirname(part)) !== tag) faults.push(`${part} is called <${tag}>`)
  const config = JSON.parse(text(`${part}.json`))
  if (!config.component || config.styleIsolation !== 'apply-shared') faults.push(`${part}.json: a component with the shared styles`)
}
const known = new Set(pages.map((page) => `/${page}`))
for (const file of sources('.ts')) {
  for (const [, page] of strip(fs.readFileSync(file, 'utf8')).matchAll(/['"`](\/(?:pages|packages)\/[\w/-]+\/index)/g)) {
    if (!known.has(page)) faults.push(`${path.relative(ROOT, file)}: no page ${page}`)
  }
}
for (const folder of ['pages', ...app.subPackages.map((one) => one.root)]) {
  for (const file of sources('.wxml').map((name) => path.relative(ROOT, name)).filter((name) => name.startsWith(`${folder}/`))) {
    if (!pages.includes(file.slice(0, -5))) faults.push(`${file} is no page of app.json`)
  }
}
if (app.tabBar.list.length > MOST_TABS) faults.push('too many tabs')
for (const tab of app.tabBar.list) if (!app.pages.includes(tab.pagePath)) faults.push(`the tab ${tab.pagePath} is not in the main package`)

// Handlers and tags of the templates exist.
for (const part of [...pages, ...components.keys()]) {
  const script = text(`${part}.ts`), template = text(`${part}.wxml`)
  for (const [, name] of template.matchAll(/\s(?:bind|catch):?[a-z]+="(\w+)"/g)) {
    if (!new RegExp(`(^|\\s)(async )?${name}(\\(|:)`, 'm').test(script)) faults.push(`${part}.wxml: no handler ${name}`)
  }
}

// Permissions: what is used is declared, what is declared is used.
const scripts = sources('.ts').map((file) => [path.relative(ROOT, file), strip(fs.readFileSync(file, 'utf8'))])
const used = new Set(scripts.flatMap(([, code]) => [...code.matchAll(/\bwx\.(\w+)/g)].map((m) => m[1])))
const declared = app.requiredPrivateInfos ?? []
for (const call of PRIVATE) if (used.has(call) !== declared.includes(call)) faults.push(`requiredPrivateInfos and wx.${call}`)
for (const [call, scope] of Object.entries(SCOPES)) if (used.has(call) && !app.permission?.[scope]?.desc) faults.push(`permission ${scope} has no words`)
if (NEEDS_AGREEMENT.some((call) => used.has(call)) && !app.__usePrivacyCheck__) faults.push('__usePrivacyCheck__')

// The question before each of them is ours to show: without our sheet on its page the call waits for ever.
const bare = (code) => NEEDS_AGREEMENT.some((call) => code.includes(`wx.${call}(`))
const isPart = (file) => [...pages, ...components.keys()].includes(file.replace(/\.ts$/, ''))
const helpers = scripts.filter(([file]) => !isPart(file)).flatMap(([file, code]) => {
  const found = [...code.matchAll(/^export (?:async )?function (\w+)\([\s\S]*?^}/gm)].filter(([body]) => bare(body)).map((m) => m[1])
  if (bare(code) && !found.length) faults.push(`${file}: asks for what needs an agreement outside an exported function`)
  return found
})
const sheeted = ['privacy-sheet', ...[...components].filter(([part]) => text(`${part}.wxml`).includes('<privacy-sheet')).map(([, tag]) => tag)]
for (const part of [...pages, ...components.keys()]) {
  const code = strip(text(`${part}.ts`)), template = text(`${part}.wxml`)
  const asks = bare(code) || helpers.some((name) => code.includes(`${name}(`)) || template.includes('open-type="getPhoneNumber"')
  if (asks && !sheeted.some((tag) => template.includes(`<${tag}`))) faults.push(`${part}.wxml: no <privacy-sheet>`)
}

// Subscription: one place asks, only from taps, at most five ids, before anything that waits.
const asking = scripts.filter(([, code]) => code.includes('wx.requestSubscribeMessage'))
if (asking.length !== 1 || asking[0][0] !== 'services/subscription.ts') faults.push('wx.requestSubscribeMessage is asked in services/subscription.ts alone')
if (!/MOST = [1-5]\b/.test(asking[0]?.[1] ?? '')) faults.push('more than five templates in one question')
for (const [file, code] of scripts) {
  for (const [, name, body] of code.matchAll(/^ {2}(?:async )?(\w+)\([^)]*\)[^{]*{\n([\s\S]*?)^ {2}}/gm)) {
    const asks = body.indexOf('askToTell(')
    if (asks < 0) continue
    if (!new RegExp(`bindtap="${name}"`).test(text(file.replace(/\.ts$/, '.wxml')))) faults.push(`${file}: ${name} asks outside a tap`)
    if (/\bawait\b/.test(body.slice(0, asks).replace(/await\s*$/, ''))) faults.push(`${file}: ${name} waits before it asks`)
  }
}

for (const [file, code] of scripts) {
  for (const unsafe of UNSAFE) if (unsafe.test(code)) faults.push(`${file}: ${unsafe}`)
  if (/[\u4e00-\u9fff]/.test(code.replace(/\bt\(\s*'(?:[^'\\]|\\.)+'/g, '').replace(/generated/g, '')) && !file.startsWith('generated')) {
    const line = code.replace(/\bt\(\s*'(?:[^'\\]|\\.)+'/g, '').split('\n').find((one) => /[\u4e00-\u9fff]/.test(one))
    if (!/USUAL|WITH_ABOUT/.test(line)) faults.push(`${file}: words outside t('…'): ${line.trim()}`)
  }
}
for (const file of sources('.wxml').map((name) => path.relative(ROOT, name))) {
  const bare = text(file).replace(/\bt\(\s*'(?:[^'\\]|\\.)+'/g, '').split('\n').find((one) => /[\u4e00-\u9fff]/.test(one.replace(/'中文'|'换成中文'/g, '')))
  if (bare) faults.push(`${file}: words outside t('…'): ${bare.trim().slice(0, 80)}`)
}
const english = catalogue()
for (const words of wordsUsed()) if (!english.get(words)) faults.push(`no English: ${words}`)

// Sizes, as the source is uploaded.
const ignored = JSON.parse(text('project.config.json')).packOptions.ignore.map((one) => one.value)
const walk = (folder) => fs.readdirSync(path.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
  const name = path.posix.join(folder, entry.name)
  return ignored.includes(name) || entry.name.startsWith('.') ? [] : entry.isDirectory() ? walk(name) : [name]
})
const sizes = { main: 0 }
for (const name of walk('.')) {
  const sub = app.subPackages.find((one) => name.startsWith(`${one.root}/`))
  sizes[sub?.root ?? 'main'] = (sizes[sub?.root ?? 'main'] ?? 0) + fs.statSync(path.join(ROOT, name)).size
}
if (sizes.main > OURS) faults.push(`the main package has ${sizes.main} bytes`)
for (const [name, size] of Object.entries(sizes)) if (size > PACKAGE) faults.push(`${name} has ${size} bytes`)

if (faults.length) {
  console.error(faults.join('\n'))
  process.exit(1)
}
console.log(`${pages.length} pages keep the platform's rules; ${Object.entries(sizes).map(([name, size]) => `${name} ${Math.ceil(size / 1024)} KB`).join(', ')}`)
