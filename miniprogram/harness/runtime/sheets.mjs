// What WeChat draws over a page: sheets, questions, a short notice.

function node(tag, words, more = {}) {
  return Object.assign(document.createElement(tag), words === undefined ? {} : { textContent: words }, more)
}

// A sheet with buttons [label, value, class]; resolves with the value pressed.
export function sheet({ title, text, image, buttons = [], body = [], middle = false, row = false }) {
  return new Promise((resolve) => {
    const veil = node('div', undefined, { className: `mp-veil${middle ? ' middle' : ''}` })
    const box = node('div', undefined, { className: `mp-sheet${image ? ' mp-viewer' : ''}` })
    box.setAttribute('role', 'dialog')
    box.setAttribute('aria-label', title ?? '请选择')
    if (title) box.append(node('h2', title))
    if (text) box.append(node('p', text))
    if (image) box.append(node('img', undefined, { src: image, alt: '' }))
    box.append(...body)
    const ends = buttons.map(([label, value, kind]) => node('button', label, {
      type: 'button', className: kind ?? '',
      onclick: () => { veil.remove(); resolve(typeof value === 'function' ? value() : value) },
    }))
    if (row) { const line = node('div', undefined, { className: 'mp-row' }); line.append(...ends); box.append(line) } else box.append(...ends)
    veil.append(box)
    document.body.append(veil)
  })
}

export const notice = (title, text) => sheet({ middle: true, title, text, buttons: [['知道了', true, 'go']] })
export const menu = (title, options) => sheet({ title, buttons: [...options, ['取消', null]] })

// One of `options` ([value, label]), or with `other` what was written; null for nothing.
export function ask({ title, text, options, other, go, stop }) {
  const rows = options.map(([value, label], n) => {
    const line = node('label'), radio = node('input', undefined, { type: 'radio', name: 'mp-ask', value, checked: n === 0 })
    line.append(radio, node('span', label))
    return line
  })
  const written = other ? node('input', undefined, { type: 'text', placeholder: other }) : null
  written?.setAttribute('aria-label', other)
  const chosen = () => written?.value.trim() || rows.map((line) => line.firstChild).find((radio) => radio.checked)?.value || null
  return sheet({ title, text, body: [...rows, ...(written ? [written] : [])], buttons: [[go, chosen, 'go'], [stop, null]] })
}

let shown
export function showToast(words) {
  shown?.remove()
  const mine = (shown = node('div', words, { className: 'mp-toast' }))
  mine.setAttribute('role', 'status')
  document.body.append(mine)
  setTimeout(() => mine.remove(), 1500)
}
