"""What every page has, without a query unless the page asks."""

from functools import cache

from django.conf import settings

# Which tab of the bottom bar a page belongs to; a view may say it itself as `tab`.
TABS = {
    "portal:home": "home",
    "portal:inbox": "inbox",
    "portal:me": "me",
    "portal:me_correct": "me",
    "portal:me_erase": "me",
    "portal:consent": "me",
    "portal:signin": "me",
    "reports:new": "new",
    "reports:matters": "matters",
    "reports:matter": "matters",
}


def frame(request):
    """The context of the frames: account, elder, unread (a callable, counted once and only if shown), switches."""
    account = getattr(request, "account", None)

    @cache
    def unread():
        from weilianxin.notify.inbox import unread_count

        return unread_count(account) if account is not None else 0

    @cache
    def subdistrict():
        from weilianxin.areas.home import own_subdistrict

        return own_subdistrict()

    match = getattr(request, "resolver_match", None)
    return {
        "account": account,
        "elder": getattr(request, "elder", False),
        "unread": unread,
        "subdistrict": subdistrict,
        "tab": TABS.get(match.view_name if match else "", ""),
        "DEMO": settings.DEMO,
        "CALLS": settings.CALLS,
    }
