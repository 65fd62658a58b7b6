"""`weilianxin demo`: a made-up subdistrict to try everything in; nobody is called and nothing leaves the machine."""

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils.translation import gettext as _

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
    return serve.run(options)


def fill():
    """The demo's data, made when there are none; what an interrupted start left half done is thrown away."""
    from weilianxin.programmes.reports.demo import seed

    whole = settings.DATA_DIR / "demo-is-whole"
    if not whole.exists():
        connection.close()
        for path in settings.DATA_DIR.glob("weilianxin.sqlite3*"):
            path.unlink()
    call_command("migrate", interactive=False, verbosity=0)
    if not whole.exists():
        print(_("正在填演示数据，要半分钟左右……"), flush=True)
        seed()
        whole.touch()
    connection.close()
