// Puts the compiled parts together: templates, scripts and configurations on glass-easel, then opens the first page.
import * as glassEasel from 'glass-easel'
import { MiniProgramEnv } from 'glass-easel-miniprogram-adapter'
import { define } from './elements.mjs'
import * as pages from './pages.mjs'
import { capsule, listen, wx } from './wx.mjs'

const NEVER_BUBBLE = new Set(['input', 'change', 'focus', 'blur', 'confirm', 'load', 'error', 'scroll'])

export function start({ app, pages: routes, templates, parts, run }) {
  define()
  globalThis.wx = wx
  const env = new MiniProgramEnv()
  const space = env.createCodeSpace('', true)
  const backend = env.associateBackend()
  backend._$.onEvent((target, type, detail, options) => {
    const original = options.originalEvent
    if (type === 'tap') {
      const button = original.target.closest('wx-button')
      if (button?.hasAttribute('disabled')) return undefined
      pages.tap()
    }
    if (original instanceof CustomEvent) detail = original.detail
    else if (type === 'input') detail = { value: original.target.value }
    const bubbles = options.bubbles && !NEVER_BUBBLE.has(type)
    const event = new glassEasel.Event(type, detail, { ...options, bubbles, composed: bubbles })
    glassEasel.Event.dispatchEvent(target, event)
    if (type === 'tap') setTimeout(pages.untap)
    return event.getEventBubbleStatus()
  })

  let application = {}
  globalThis.App = (options) => { application = options }
  globalThis.getApp = () => application
  globalThis.getCurrentPages = pages.getCurrentPages
  run()

  for (const [part, config, load] of parts) {
    space.addComponentStaticConfig(part, config)
    space.addCompiledTemplate(part, { groupList: templates, content: templates[part] })
    space.addStyleSheet(part, part)
    backend.registerStyleSheetContent(part, '') // all styles are in mini.css
    space.globalComponentEnv(globalThis, part, () => {
      globalThis.Page = ({ data = {}, ...rest }) => {
        const methods = {}, own = {}
        for (const [name, value] of Object.entries(rest)) (typeof value === 'function' ? methods : own)[name] = value
        globalThis.Component({ data, methods, lifetimes: { created() { Object.assign(this, own) } } })
      }
      load()
    })
  }

  const create = (part, box) => {
    const root = backend.createRoot('wx-page', space, part)
    const here = document.createElement('i')
    box.append(here)
    root.attach(box, here)
    return { root, page: root.get() }
  }
  document.getElementById('capsule').addEventListener('click', capsule)
  listen()
  application.onLaunch?.({})
  pages.begin({ app, pages: routes, create, shown: () => application.onShow?.({}) })
  application.onShow?.({})
}
