"""Which account stands behind a person of WeChat, and where WeChat reaches an account.

An openid names a person to one mini-program (`appid`) only. It is kept here and nowhere else: a message that waits
bears its keyed digest; the journal learns that a tie was made or ended, never the openid.
"""

from django.db import transaction

from weilianxin.journal import log

from .models import Account, WechatIdentity


def account_of(appid, openid, kind):
    """The active account of `kind` (`Account.RESIDENT` or `Account.STAFF`) tied to this openid; None if there is none.

    Staff who left and residents who were erased are nobody here.
    """
    if not appid or not openid:
        return None
    tied = WechatIdentity.objects.filter(appid=appid, openid=openid, kind=kind, account__is_active=True)
    tied = tied.select_related("account").first()
    return tied.account if tied else None


def openids_of(accounts, appid):
    """{account id: openid} of those of `accounts` whom WeChat reaches in this mini-program. One query."""
    if not appid:
        return {}
    found = WechatIdentity.objects.filter(account__in=[a.pk for a in accounts], appid=appid, account__is_active=True)
    return dict(found.values_list("account_id", "openid"))


def openid_of(account, appid):
    """Where WeChat reaches `account`; "" when it does not."""
    return openids_of([account], appid).get(account.pk, "")


def tie(account, appid, openid, *, at):
    """From now on this openid is `account`, and only this account of its kind. Journalled, and only when it changed.

    Call it after the person has shown in this session that the account is theirs: by a code to their phone, or by
    name and password. A new telephone or another WeChat of the same person takes the old one's place; a WeChat that
    was somebody else's is theirs no more.
    """
    if not appid or not openid:
        raise ValueError("an empty openid is nobody's")
    with transaction.atomic():
        Account.objects.select_for_update().get(pk=account.pk)
        mine = WechatIdentity.objects.filter(account=account, appid=appid)
        if mine.filter(openid=openid).exists():
            return
        # The entry comes first: it holds the stream, so that two who take the same openid do it one after the other.
        log.append("accounts", "wechat_tied", account.ref, {"account": account.ref}, at=at)
        others = WechatIdentity.objects.filter(appid=appid, openid=openid, kind=account.kind)
        for other in others.select_related("account"):
            log.append("accounts", "wechat_untied", account.ref, {"account": other.account.ref}, at=at)
        others.delete()
        mine.delete()
        WechatIdentity.objects.create(account=account, appid=appid, openid=openid, kind=account.kind, since=at)


def untie(account, appid, *, at):
    """WeChat no longer signs in `account` nor brings it messages. False if it did not before. Journalled."""
    with transaction.atomic():
        gone, _by_model = WechatIdentity.objects.filter(account=account, appid=appid).delete()
        if gone:
            log.append("accounts", "wechat_untied", account.ref, {"account": account.ref}, at=at)
    return bool(gone)


def let_go(account, *, at):
    """No WeChat signs in `account` any more: what proved that it is theirs has changed or was lost, and the old
    telephone may be in other hands. The person ties it again at the next sign-in."""
    for appid in list(account.wechat.values_list("appid", flat=True)):
        untie(account, appid, at=at)
