"""A picture of every page of the mini-program at 375 px: plain, in large type, the main ones in English."""

import json

from tests.support import browser as chromium

PHONE = {"width": 375, "height": 812}
LOOKS = {"mini": ("zh", ""), "mini-elder": ("zh", "elder"), "mini-english": ("en", "")}
MAIN = ("home", "plate", "signin", "report-what", "report-send", "matter-closed", "desk-list")  # in English too

DRAFT = {
    "text": "单元门口的灯一闪一闪的，晚上看不清台阶。",
    "photos": [],
    "place": {"how": "home"},
    "place_name": "星影苑",
}
WAITING = [
    {"key": "a1", "as": "resident", "title": DRAFT["text"], "path": "/reports", "body": {}, "photos": [], "sent": {}},
    {
        **{
            "key": "a2",
            "as": "resident",
            "title": "楼道堆物",
            "path": "/reports",
            "body": {},
            "photos": [],
            "sent": {},
        },
        "draft": DRAFT,
        "refused": {"message": "再多写几个字，说说是什么事（至少 5 个字）。", "code": "invalid", "ways": []},
    },
]


def pages(d):
    """(name, route, who of the demo is signed in or "", what the phone has kept)."""
    draft, outbox = {"draft": DRAFT}, {"outbox": WAITING}
    return [
        ("home", "pages/home/index", "resident", {}),
        ("home-new", "pages/home/index", "", {}),
        ("plate", f"pages/plate/index?scene={d.plate}", "", {}),
        ("plate-revoked", f"pages/plate/index?scene={d.revoked}", "", {}),
        ("bind", "pages/bind/index", "newcomer", {}),
        ("signin", "pages/signin/index", "", {}),
        ("report-what", "pages/report/what/index", "resident", draft),
        ("report-where", "pages/report/where/index", "resident", draft),
        ("report-send", "pages/report/send/index", "resident", draft),
        ("outbox", "pages/outbox/index", "resident", outbox),
        ("matters", "pages/matters/index", "resident", {}),
        ("matter-new", f"pages/matter/index?number={d.new}&new=sent", "reporter_new", {}),
        ("matter-closed", f"pages/matter/index?number={d.closed}", "reporter_closed", {}),
        ("thread", "pages/thread/index", "resident", {}),
        ("inbox", "pages/inbox/index", "resident", {}),
        ("public", "pages/public/index", "", {}),
        ("public-detail", f"pages/public/detail/index?token={d.published}", "", {}),
        ("me", "pages/me/index", "resident", {}),
        ("desk-signin", "packages/desk/signin/index", "", {}),
        ("desk-list", "packages/desk/list/index", "worker", outbox),
        ("desk-day", "packages/desk/day/index", "worker", {}),
        ("desk-case", f"packages/desk/case/index?number={d.new}", "worker", {}),
        ("desk-act", f"packages/desk/act/index?number={d.sent}&name=close_seen", "worker", {}),
        ("desk-patrol", "packages/desk/patrol/index", "worker", {}),
        ("desk-threads", "packages/desk/threads/index", "worker", {}),
        ("desk-thread", f"packages/desk/thread/index?id={d.thread}", "worker", {}),
    ]


def kept(d, who, more, look):
    """What the phone has kept, by its key."""
    from django.utils import timezone

    from weilianxin.people import tokens

    lang, elder = LOOKS[look]
    found = {"look": {"lang": lang, "elder": elder}, **more}
    account = getattr(d, who) if who else None
    if account is not None:
        token, until = tokens.issue(account, "picture", timezone.now())
        kind = "staff" if account.is_staff_member else "resident"
        found[f"session-{kind}"] = {"token": token, "expires_at": until.isoformat(), "account": {}}
    return {f"mini:{name}": json.dumps(value) for name, value in found.items()}


def take(d, *, folder, url, browser, names=()):
    """Take the pictures; yields what the browser complained of."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, route, who, more in pages(d):
        for look in LOOKS:
            title = f"{look}-{name}"
            if (look == "mini-english" and name not in MAIN) or (names and not any(word in title for word in names)):
                continue
            context = chromium.watch(
                browser.new_context(
                    viewport=PHONE, locale="zh-CN", timezone_id="Asia/Shanghai", service_workers="block"
                )
            )
            context.add_init_script(
                f"for (const [key, value] of Object.entries({json.dumps(kept(d, who, more, look))}))"
                " location.protocol === 'http:' && localStorage.setItem(key, value)"
            )
            page = context.new_page()
            page.goto(f"{url}/mini/#/{route}")
            page.wait_for_function("() => !document.querySelector('.mp-page .empty[role=status]')")
            page.wait_for_load_state("networkidle")
            high = page.evaluate("Math.max(innerHeight, document.documentElement.scrollHeight)")
            page.set_viewport_size({**PHONE, "height": min(high, 9000)})
            page.screenshot(path=folder / f"{title}.png")
            yield from (f"{title}: {words}" for words in context.complaints)
            context.close()
