"""Small commands: `migrate` and `admin`."""

import getpass
import sys

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from weilianxin.areas.calendar import load_shipped
from weilianxin.areas.models import Area, Level
from weilianxin.people import posts
from weilianxin.people.models import Account, Role


def migrate(options):
    """Make the tables, or bring them to this version; enter the calendar years that come with it."""
    call_command("migrate", interactive=False, verbosity=1)
    load_shipped()


def admin_arguments(parser):
    parser.add_argument("username", help=_("登录名"))
    parser.add_argument("name", help=_("姓名"))
    parser.add_argument("--subdistrict", help=_("街道代码，9 位；只有一个街道时可以不写"))


def admin(options):
    """Make an administrator of a subdistrict; the password is asked for, the second factor is set at first sign-in."""
    subdistricts = Area.objects.current().filter(level=Level.SUBDISTRICT)
    if code := options.subdistrict or settings.SUBDISTRICT_CODE:
        subdistricts = subdistricts.filter(code=code)
    if len(found := list(subdistricts[:2])) != 1:
        return refuse(_("请先导入街道（weilianxin import areas），有几个街道时用 --subdistrict 写明是哪一个。"))
    if Account.objects.filter(username=options.username).exists():
        return refuse(_("这个登录名已经有人用了。"))
    account = Account(kind=Account.STAFF, username=options.username, name=options.name)
    password = ask_password()
    try:
        validate_password(password, account)
    except ValidationError as error:
        return refuse(" ".join(error.messages))
    account.set_password(password)
    at = timezone.now()
    with transaction.atomic():
        account.save()
        posts.assign(account, Role.SYSTEM_ADMIN, found[0], at, None)
    print(_("好了。请用这个登录名登录工作台，第一次登录时绑定动态码。"))
    return 0


def ask_password():
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    return getpass.getpass(_("密码（至少 10 位）：") + " ")


def refuse(sentence):
    print(sentence, file=sys.stderr)
    return 1
