// The mini-program's own source -> static files that a browser shows, on WeChat's component framework (glass-easel).
// `node harness/build.mjs [FOLDER]`. What the runtime here does not know (a tag, a wx call) ends the build.
import fs from 'node:fs'
import path from 'node:path'
import esbuild from 'esbuild'
import { createRequire } from 'node:module'
import { generate, ROOT, sources } from './generate.mjs'
import { known as knownCalls } from './runtime/wx.mjs'

const { TmplGroup } = createRequire(import.meta.url)('glass-easel-template-compiler')
const OUT = path.resolve(process.argv[2] ?? path.join(ROOT, 'dist'))
const read = (name) => fs.readFileSync(path.join(ROOT, name), 'utf8')
const json = (name) => JSON.parse(read(name))

// Tags of the platform that the runtime draws (runtime/elements.mjs), and those the template compiler itself knows.
const DRAWN = ['view', 'text', 'button', 'input', 'textarea', 'image', 'picker', 'scroll-view']
const SYNTAX = ['block', 'slot', 'wxs', 'template', 'import', 'include']

const faults = []

// Pages and the components they use, each a path without its ending.
export function parts() {
  const app = json('app.json')
  const pages = [...app.pages, ...(app.subPackages ?? []).flatMap((p) => p.pages.map((page) => `${p.root}/${page}`))]
  const components = new Map() // path -> tag
  const visit = (part, config) => {
    for (const [tag, where] of Object.entries(config.usingComponents ?? {})) {
      const target = where.startsWith('/') ? where.slice(1) : path.posix.join(path.posix.dirname(part), where)
      if (components.has(target)) continue
      components.set(target, tag)
      visit(target, json(`${target}.json`))
    }
  }
  visit('app', app)
  for (const page of pages) visit(page, json(`${page}.json`))
  if (app.tabBar?.custom) {
    components.set('custom-tab-bar/index', 'custom-tab-bar')
    visit('custom-tab-bar/index', json('custom-tab-bar/index.json'))
  }
  return { app, pages, components }
}

// A template as glass-easel takes it: our tags prefixed so that none is taken for one of HTML's.
function template(part, known) {
  const text = read(`${part}.wxml`).replace(/<!--[\s\S]*?-->/g, '')
  for (const [, tag] of text.matchAll(/<([a-z][\w-]*)/g)) {
    if (!DRAWN.includes(tag) && !SYNTAX.includes(tag) && !known.includes(tag)) faults.push(`${part}.wxml: no such tag <${tag}>`)
  }
  if (/\sstyle=/.test(text)) faults.push(`${part}.wxml: style="" is written as a class`)
  return text
    .replace(new RegExp(`<(/?)(${DRAWN.join('|')})(?=[\\s>/])`, 'g'), '<$1wx-$2')
    // What is drawn inside them carries the name, not they themselves.
    .replace(/<wx-(input|textarea|picker|image)\s[^>]*/g, (tag) => tag.replace(' aria-label=', ' label='))
    .replace(/(\s)(bind|catch)(?!:)([a-z]+)=/g, '$1$2:$3=')
    .replace(/\saria-role=/g, ' tabindex="0" role=')
}

function style(text, scope) {
  const flat = text.replace(/@import\s+"([^"]+)";/g, (_, name) => read(name.replace(/^\//, ''))).replace(/\/\*[\s\S]*?\*\//g, '')
  const lengths = flat.replace(/(\d*\.?\d+)rpx/g, (_, n) => `calc(${n} * 100vw / 750)`)
  const selectors = lengths.replace(/(^|[},]\s*)page(?=[\s,{])/g, '$1.mp-page').replace(/:host/g, scope?.tag ?? ':host')
  return scope?.page ? selectors.replace(/(^|})\s*([^{}@]+){/g, (_, end, names) => `${end}\n${names.split(',').map((n) => `[data-page="${scope.page}"] ${n.trim()}`).join(', ')} {`) : selectors
}

function callsOf() {
  for (const file of sources('.ts')) {
    const text = fs.readFileSync(file, 'utf8').replace(/\/\/.*|\/\*[\s\S]*?\*\//g, '')
    for (const [, name] of text.matchAll(/\bwx\.([a-zA-Z]\w*)/g)) {
      if (!knownCalls.includes(name)) faults.push(`${path.relative(ROOT, file)}: wx.${name} is not in the runtime`)
    }
  }
}

function entry({ app, pages, components }) {
  const group = new TmplGroup()
  const all = [...components.keys(), ...pages]
  for (const file of sources('.wxs')) group.addScript(path.relative(ROOT, file).replace(/\.wxs$/, ''), fs.readFileSync(file, 'utf8'))
  group.addScript('generated/words', read('generated/words.wxs'))
  const rows = all.map((part) => {
    const config = { styleIsolation: 'apply-shared', ...json(`${part}.json`) }
    config.usingComponents = { ...app.usingComponents, ...config.usingComponents }
    for (const fault of group.addTmpl(part, template(part, Object.keys(config.usingComponents)))) faults.push(`${part}.wxml: ${fault.message}`)
    return `  [${JSON.stringify(part)}, ${JSON.stringify(config)}, () => require(${JSON.stringify('./' + part)})],`
  })
  return `import { start } from './harness/runtime/main.mjs'
start({
 app: ${JSON.stringify(app)},
 pages: ${JSON.stringify(pages)},
 templates: ${group.getTmplGenObjectGroups()},
 parts: [\n${rows.join('\n')}\n ],
 run: () => require('./app'),
})`
}

async function main() {
  generate()
  const found = parts()
  callsOf()
  const script = entry(found)
  if (faults.length) {
    console.error(faults.join('\n'))
    process.exit(1)
  }
  fs.rmSync(OUT, { recursive: true, force: true })
  fs.mkdirSync(OUT, { recursive: true })
  const tags = [...found.components.values()]
  const styles = [
    read('harness/shell.css'),
    style(read('app.wxss')),
    ...[...found.components].map(([part, tag]) => [`${part}.wxss`, { tag }]).filter(([name]) => fs.existsSync(path.join(ROOT, name))).map(([name, scope]) => style(read(name), scope)),
    ...found.pages.map((page) => [`${page}.wxss`, { page }]).filter(([name]) => fs.existsSync(path.join(ROOT, name))).map(([name, scope]) => style(read(name), scope)),
  ]
  await esbuild.build({
    stdin: { contents: script, resolveDir: ROOT, loader: 'js' },
    bundle: true, minify: true, charset: 'utf8', format: 'iife', target: 'chrome100', logLevel: 'error',
    outfile: path.join(OUT, 'mini.js'),
    // Here the server is the one that serves these files.
    plugins: [{ name: 'server', setup: (build) => build.onLoad({ filter: /[\\/]server\.ts$/ }, () => ({ contents: 'export const SERVER = location.origin', loader: 'ts' })) }],
  })
  fs.writeFileSync(path.join(OUT, 'mini.css'), styles.join('\n'))
  fs.copyFileSync(path.join(ROOT, 'harness/index.html'), path.join(OUT, 'index.html'))
  for (const name of ['mark.svg', 'skyline.svg']) fs.copyFileSync(path.join(ROOT, 'generated', name), path.join(OUT, name))
  console.log(`${found.pages.length} pages, ${tags.length} components, ${fs.statSync(path.join(OUT, 'mini.js')).size >> 10} KB in ${path.relative(process.cwd(), OUT)}`)
}

if (process.argv[1] === import.meta.filename) await main()
