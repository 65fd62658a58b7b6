// What the mini-program takes from the portal, written into generated/: colours, icons, drawings and the English words.
// One source each: weilianxin/static/css/app.css, weilianxin/static/art and weilianxin/locale/en.
import fs from 'node:fs'
import path from 'node:path'

export const ROOT = path.resolve(import.meta.dirname, '..')
const PORTAL = path.resolve(ROOT, '../weilianxin')
const OUT = path.join(ROOT, 'generated')
const NOT_OURS = new Set(['node_modules', 'dist', 'harness', 'generated'])

export function sources(...kinds) {
  const walk = (folder) =>
    fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : walk(path.join(folder, entry.name))
      return kinds.includes(path.extname(entry.name)) ? [path.join(folder, entry.name)] : []
    })
  return walk(ROOT).sort()
}

const read = (...names) => fs.readFileSync(path.join(...names), 'utf8')
const portal = (...names) => read(PORTAL, ...names)

// rem does not grow with our large type in a mini-program, so every length hangs on --rem of the page's root view.
const lengths = (css) => css.replace(/(\d*\.?\d+)rem\b/g, (_, n) => `calc(var(--rem) * ${n})`)

function tokens() {
  const css = portal('static/css/app.css').replace(/\/\*[\s\S]*?\*\//g, '')
  const usual = /:root\s*{([^}]*)}/.exec(css)[1].trim()
  const elder = [...css.matchAll(/html\.elder\s*{\s*(--[^}]*)}/g)].map((m) => m[1].trim()).join(' ')
  return `/* Generated from weilianxin/static/css/app.css. */\n.page {\n  --rem: 16px;\n  ${lengths(usual)}\n}\n` +
    `.page.elder {\n  --rem: 22px;\n  ${lengths(usual.split(';').filter((line) => line.includes('rem')).join(';'))};\n  ${lengths(elder)}\n}\n`
}

export function iconsUsed() {
  const text = sources('.wxml', '.ts').map((file) => read(file)).join('\n')
  const names = [...portal('static/art/icons.svg').matchAll(/id="i-([a-z]+)"/g)].map((m) => m[1])
  return names.filter((name) => new RegExp(`['" ]i-${name}\\b|'${name}'|icon="${name}"`).test(text))
}

function icons() {
  const sprite = portal('static/art/icons.svg')
  const style = 'fill="none" stroke="#000" stroke-width="1.9" stroke-linecap="round" stroke-linejoin="round"'
  const rules = iconsUsed().map((name) => {
    const inner = new RegExp(`<symbol id="i-${name}"[^>]*>(.*?)</symbol>`, 's').exec(sprite)[1]
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" ${style}>${inner.replaceAll('currentColor', '#000')}</svg>`
    const url = `url("data:image/svg+xml,${encodeURIComponent(svg).replace(/%20/g, ' ').replace(/%3D/g, '=').replace(/%22/g, "'").replace(/%2F/g, '/').replace(/%3A/g, ':')}")`
    return `.i-${name} { -webkit-mask-image: ${url}; mask-image: ${url}; }`
  })
  return `/* Generated from weilianxin/static/art/icons.svg: only those that some page uses. */\n${rules.join('\n')}\n`
}

// Words

export function wordsUsed() {
  const found = new Set()
  for (const file of sources('.wxml', '.ts')) {
    for (const m of read(file).matchAll(/\bt\(\s*'((?:[^'\\]|\\.)+)'/g)) found.add(m[1])
  }
  return [...found].sort()
}

export function catalogue() {
  const said = new Map()
  const text = (block, key) => {
    const lines = new RegExp(`^${key} ((?:".*"\\n?)+)`, 'm').exec(block)
    return lines ? lines[1].trim().split('\n').map((line) => JSON.parse(line)).join('') : ''
  }
  for (const block of portal('locale/en/LC_MESSAGES/django.po').split(/\n\n+/)) {
    if (!/^msgctxt /m.test(block) && !/^#~/m.test(block)) said.set(text(block, 'msgid'), text(block, 'msgstr') || text(block, 'msgstr\\[1\\]'))
  }
  return said
}

function words() {
  const all = catalogue()
  const english = Object.fromEntries(wordsUsed().map((id) => [id, all.get(id)]).filter(([, words]) => words))
  return JSON.stringify(english, null, 1)
}

const WXS = (dictionary) => `// Generated from weilianxin/locale/en: the words of the pages.
var EN = ${dictionary};
// t(id, lang, name, value, ...): the sentence, with %(name)s replaced.
function t(id, lang) {
  var said = lang === 'en' && EN[id] ? EN[id] : id;
  for (var n = 2; n + 1 < arguments.length; n += 2) said = said.split('%(' + arguments[n] + ')s').join('' + arguments[n + 1]);
  return said;
}
module.exports = { t: t };
`

export function generate() {
  fs.mkdirSync(OUT, { recursive: true })
  // What stands there already is left alone: another build may be reading it.
  const write = (name, text) => {
    const file = path.join(OUT, name)
    if (!fs.existsSync(file) || fs.readFileSync(file, 'utf8') !== text) fs.writeFileSync(file, text)
  }
  const dictionary = words()
  write('tokens.wxss', tokens())
  write('icons.wxss', icons())
  write('words.wxs', WXS(dictionary))
  write('en.ts', `// Generated from weilianxin/locale/en: the words of the scripts.\nexport const EN: Record<string, string> = ${dictionary}\n`)
  for (const name of ['mark.svg', 'skyline.svg']) write(name, portal('static/art', name))
}

if (process.argv[1] === import.meta.filename) generate()
