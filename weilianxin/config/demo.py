"""`weilianxin demo`: a made-up subdistrict to try everything in; nobody is called and nothing leaves the machine.

With it runs a made-up WeChat (`fakes/wechat`) on a port of this machine, so that the mini-program signs in, asks for
subscriptions and gets its messages as on a telephone.
"""

import os

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils.translation import gettext as _

from weilianxin.notify.templates import LABELS, TITLES

from . import serve


def arguments(parser):
    serve.arguments(parser)
    parser.add_argument("--only-data", action="store_true", help=_("只填数据，不开服务"))


def run(options):
    """Make the data once, then serve them."""
    fill()
    if options.only_data:
        return 0
    print(_("演示街道开好了：%(url)s （按 Ctrl-C 停）") % {"url": f"http://{options.host}:{options.port}/"}, flush=True)
    print(_("数据在 %(path)s，删掉它就重新开始。") % {"path": settings.DATA_DIR}, flush=True)
    running, told = wechat(f"http://127.0.0.1:{options.port}")
    os.environ |= {f"WEILIANXIN_{name}": value for name, value in told.items()}
    try:
        return serve.run(options)
    finally:
        running.stop()


def wechat(site):
    """(a running made-up WeChat that knows our templates and pushes to `site`, the settings for it)."""
    from fakes.wechat import serve as platform
    from fakes.wechat.platform import AES_KEY, APPID, PUSH_TOKEN, SECRET
    from weilianxin.notify.models import Template

    running = platform()
    running.platform.add_app(site=site, push_url=f"{site}/wechat/push", push_events=True)
    for template in Template.objects.exclude(template_id=""):
        fields = {field: str(LABELS[value]) for field, value in template.pairs if value in LABELS}
        running.platform.add_template(template.template_id, str(TITLES[template.purpose]), fields)
    connection.close()
    told = {"APPID": APPID, "SECRET": SECRET, "TOKEN": PUSH_TOKEN, "AES_KEY": AES_KEY, "BASE": running.url}
    return running, {f"WECHAT_{name}": value for name, value in told.items()}


def fill():
    """The demo's data, made when there are none; what an interrupted start left half done is thrown away."""
    from weilianxin.notify.models import Template
    from weilianxin.programmes.reports.demo import seed
    from weilianxin.programmes.rounds.demo import seed as rounds

    whole = settings.DATA_DIR / "demo-is-whole"
    if not whole.exists():
        connection.close()
        for path in settings.DATA_DIR.glob("weilianxin.sqlite3*"):
            path.unlink()
    call_command("migrate", interactive=False, verbosity=0)
    if not whole.exists():
        print(_("正在填演示数据，要半分钟左右……"), flush=True)
        seed()
        rounds()
        whole.touch()
    for template in Template.objects.filter(template_id=""):
        template.template_id = f"DEMO-{template.purpose}"
        template.save(update_fields=["template_id"])
    connection.close()
