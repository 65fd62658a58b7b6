// WeChat's built-in tags as elements of the browser. Attributes come as strings, false as no attribute at all.
import { urlOf } from './files.mjs'
import { sharePhone } from './wx.mjs'

const tell = (element, name, detail) => element.dispatchEvent(new CustomEvent(name, { detail }))

class WxView extends HTMLElement {}
class WxScrollView extends HTMLElement {}
class WxText extends HTMLElement {}

class WxImage extends HTMLElement {
  static observedAttributes = ['src', 'mode', 'label']

  connectedCallback() {
    this.img ??= this.appendChild(document.createElement('img'))
    this.img.addEventListener('error', () => tell(this, 'error', { errMsg: 'load failed' }))
    this.img.addEventListener('load', () => tell(this, 'load', {}))
    WxImage.observedAttributes.forEach((name) => this.attributeChangedCallback(name))
  }

  async attributeChangedCallback(name) {
    if (!this.img) return
    if (name === 'mode') this.img.style.objectFit = { aspectFill: 'cover', aspectFit: 'contain' }[this.getAttribute('mode')] ?? 'fill'
    if (name === 'label') this.img.alt = this.getAttribute('label') ?? ''
    if (name === 'src') {
      const src = this.getAttribute('src')
      const url = src ? await urlOf(src) : ''
      if (src === this.getAttribute('src') && url) this.img.src = url
    }
  }
}

class WxButton extends HTMLElement {
  connectedCallback() {
    if (this.ready) return
    this.ready = true
    this.setAttribute('role', 'button')
    this.tabIndex = 0
    this.addEventListener('click', () => this.hasAttribute('disabled') || this.opened())
  }

  async opened() {
    const type = this.getAttribute('open-type')
    if (type === 'getPhoneNumber') tell(this, 'getphonenumber', await sharePhone())
    if (type === 'agreePrivacyAuthorization') tell(this, 'agreeprivacyauthorization', {})
  }
}

class Typed extends HTMLElement {
  static observedAttributes = ['value', 'placeholder', 'maxlength', 'label', 'disabled', 'type', 'password', 'focus']

  connectedCallback() {
    if (this.field) return
    this.field = this.appendChild(document.createElement(this.constructor.tag))
    this.field.addEventListener('focusin', () => tell(this, 'focus', { value: this.field.value }))
    this.field.addEventListener('focusout', () => tell(this, 'blur', { value: this.field.value }))
    this.field.addEventListener('keydown', (event) => event.key === 'Enter' && tell(this, 'confirm', { value: this.field.value }))
    Typed.observedAttributes.forEach((name) => this.attributeChangedCallback(name))
  }

  attributeChangedCallback(name) {
    if (!this.field) return
    const value = this.getAttribute(name)
    if (name === 'value') {
      // The property: an attribute would not clear what somebody has typed.
      if (this.field.value !== (value ?? '')) this.field.value = value ?? ''
    } else if (name === 'type') {
      this.field.inputMode = { number: 'numeric', digit: 'decimal', idcard: 'text' }[value] ?? 'text'
    } else if (name === 'password') {
      if (this.constructor.tag === 'input') this.field.type = value === null ? 'text' : 'password'
    } else if (name === 'maxlength') {
      this.field.maxLength = value === null ? 140 : Number(value)
    } else if (name === 'disabled') {
      this.field.disabled = value !== null
    } else if (name === 'focus') {
      if (value !== null) this.field.focus()
    } else {
      this.field.setAttribute(name === 'label' ? 'aria-label' : name, value ?? '')
    }
  }
}

class WxInput extends Typed {
  static tag = 'input'
}

class WxTextarea extends Typed {
  static tag = 'textarea'
}

class WxPicker extends HTMLElement {
  connectedCallback() {
    if (this.field || this.getAttribute('mode') !== 'date') return
    this.field = this.appendChild(document.createElement('input'))
    this.field.type = 'date'
    this.field.tabIndex = -1
    this.field.setAttribute('aria-label', this.getAttribute('label') ?? '')
    this.field.addEventListener('change', (event) => {
      event.stopPropagation()
      tell(this, 'change', { value: this.field.value })
    })
    this.addEventListener('click', () => this.field.showPicker?.())
  }
}

export function define() {
  const all = { WxView, WxScrollView, WxText, WxImage, WxButton, WxInput, WxTextarea, WxPicker }
  for (const [name, kind] of Object.entries(all)) {
    customElements.define(name.replace(/(?!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase(), kind)
  }
}
