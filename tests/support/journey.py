"""People with a phone in their hand, for tests that walk whole days: contexts, pictures, codes, and what they press."""

import io
import re
from contextlib import ExitStack

from PIL import Image, ImageDraw
from playwright.sync_api import expect

from . import browser as chromium

WAIT = 15_000  # milliseconds; two slow cores serve the pages and draw them

expect.set_options(timeout=WAIT)


class People:
    """Opens one browser for each person. At the end none of them has asked another host or seen a page break."""

    def __init__(self, browser, url):
        self.browser, self.url = browser, url
        self.contexts = []

    def phone(self, account=None, *, js=True, width=390, elder=False, language=""):
        """A page on a phone of `width` pixels; signed in where an `account` is given."""
        context = self.browser.new_context(
            viewport={"width": width, "height": 844},
            has_touch=True,
            java_script_enabled=js,
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            service_workers="block",
        )
        chromium.watch(context)
        context.set_default_timeout(WAIT)
        self.contexts.append(context)
        if account is not None:
            chromium.sign_in(context, account, self.url)
        looks = {"elder": "1" if elder else "", "lang": language}
        context.add_cookies([{"name": n, "value": v, "url": self.url} for n, v in looks.items() if v])
        return context.new_page()

    def close(self):
        with ExitStack() as last:
            for context in self.contexts:
                last.callback(check, context)
            for context in self.contexts:
                context.close()


def check(context):
    chromium.assert_stayed_home(context)
    assert not context.complaints, context.complaints


def photo(name="photo.jpg", colour="#8a9ab0", mark="#5a4a3a"):
    """A photo as Playwright sends it: a JPEG nobody else has."""
    image = Image.new("RGB", (1200, 900), colour)
    ImageDraw.Draw(image).rectangle((300, 350, 900, 850), fill=mark)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return {"name": name, "mimeType": "image/jpeg", "buffer": out.getvalue()}


def code_told(phone, act):
    """The one-time code as the newest message to this phone says it."""
    from weilianxin.notify.models import Outbox

    row = Outbox.objects.filter(act=act, address=phone).order_by("-id").first()
    assert row is not None, f"no {act} was told to {phone}"
    return re.search(r"\d{6}", row.body)[0]


def press(page, name, *, kind="button", within=None, exact=True):
    """Tap what is called `name`: the one that can be seen."""
    found = (within or page).get_by_role(kind, name=name, exact=exact)
    found.filter(visible=True).first.tap()


def unfold(page, name):
    """Open the folded part called `name`, as one taps it, and return it."""
    part = page.locator("details", has=page.locator("summary", has_text=re.compile(f"^{name}$"))).last
    part.locator("summary").first.tap()
    return part


def ready(page):
    """The scripts of the page have run, as they have when a person begins to type."""
    expect(page.locator("html")).to_have_class(re.compile(r"\bjs\b"))


def reads(page, *sentences):
    """Every sentence stands on the page where it can be seen."""
    for sentence in sentences:
        expect(page.locator("body")).to_contain_text(sentence)


def does_not_read(page, *sentences):
    for sentence in sentences:
        expect(page.locator("body")).not_to_contain_text(sentence)


# What stands by itself and is pressed; links inside a sentence are as high as its line. A box or a photo is pressed
# by its label. Answers with those that are lower than `least` pixels.
SMALL = """least => {
  const pressed = 'button, summary, select, textarea, input, label.chip, label.pick, a.btn, nav a, a.item, a.back';
  return Array.from(document.querySelectorAll(pressed)).map(e => {
    const boxed = /^(radio|checkbox|file)$/.test(e.type) && e.closest('label');
    return boxed || e;
  }).filter(e => {
    const box = e.getBoundingClientRect(), style = getComputedStyle(e);
    const seen = box.width > 1 && box.height > 1 && style.visibility !== 'hidden' && e.type !== 'hidden';
    return seen && !e.closest('.visually-hidden, .skip') && Math.round(box.height) < least;
  }).map(e => e.outerHTML.slice(0, 90) + ' ' + Math.round(e.getBoundingClientRect().height));
}"""


# What is pressed and reaches over the right edge; what stands fixed at the bottom makes no page wider.
CUT = """() => Array.from(document.querySelectorAll('a, button, summary, label, .bar > *')).filter(e => {
  const box = e.getBoundingClientRect();
  return box.width > 1 && !e.closest('.visually-hidden, .skip') && box.right > document.documentElement.clientWidth + 1;
}).map(e => e.outerHTML.slice(0, 90))"""


def fits(page, least=44):
    """Nothing has to be moved sideways, and a thumb hits whatever stands by itself: at least `least` pixels high."""
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{page.url} is {wide} px too wide"
    cut = page.evaluate(CUT)
    assert not cut, f"{page.url}: over the edge: {cut}"
    small = page.evaluate(SMALL, least)
    assert not small, f"{page.url}: lower than {least} px: {small}"
