"""The one command of an installation: `weilianxin <command>`.

A command is a row of COMMANDS: its words, where its function lives, what it does. Beside `run` its module may have
`arguments(parser)`, beside another function `name` there may be `name_arguments(parser)`; then the function gets the
parsed arguments, otherwise the list of words. It returns an exit code or None. Modules are imported only when their
command is called.
"""

import argparse
import importlib
import os
import sys

from django.db import DatabaseError
from django.utils.translation import gettext_lazy as _

COMMANDS = {
    "demo": ("weilianxin.config.demo:run", _("用编好的街道试一试：建库、填数据、开服务")),
    "serve": ("weilianxin.config.serve:run", _("开服务：网页和后台循环")),
    "work": ("weilianxin.config.work:run", _("只跑后台循环：到期提醒、发送消息、封存台账")),
    "migrate": ("weilianxin.config.commands:migrate", _("建库，或把库升级到本版本")),
    "admin": ("weilianxin.config.commands:admin", _("新建一名系统管理员")),
    "check": ("weilianxin.config.check:run", _("上线检查：还缺什么，该怎么补")),
    "verify": ("weilianxin.journal.verify:run", _("核对台账有没有被改过")),
    "backup": ("weilianxin.config.backup:run", _("备份数据库、文件和密钥，不用停服务")),
    "restore": ("weilianxin.config.restore:run", _("从备份恢复到空的数据目录")),
    "route": ("weilianxin.programmes.reports.cli_route:run", _("试算一件报事会派给谁，不留记录")),
    "plates": ("weilianxin.desk.cli_plates:run", _("印门牌和网格员公示：每个小区一份 PDF")),
    "bench": ("weilianxin.config.bench:run", _("量一量这台机器上常用页面要多久")),
    "import areas": ("weilianxin.areas.importing:run_areas", _("导入区、街道、社区、网格")),
    "import places": ("weilianxin.areas.importing:run_places", _("导入小区、幢、单元、室")),
    "import calendar": ("weilianxin.areas.importing:run_calendar", _("导入一年的工作日历")),
    "import staff": ("weilianxin.people.importing:run_staff", _("导入工作人员和岗位")),
    "import units": ("weilianxin.people.importing:run_units", _("导入承办单位")),
    "import reports": ("weilianxin.programmes.reports.importing:run", _("导入别的渠道转来的报事")),
}


def target(path):
    """(function, function that adds its arguments or None) of a row such as "package.module:name"."""
    module_name, _colon, name = path.partition(":")
    module = importlib.import_module(module_name)
    adds = getattr(module, "arguments" if name == "run" else f"{name}_arguments", None)
    return getattr(module, name), adds


def find(words):
    """(command, the words after it) of what was typed; the longest command that fits; (None, words) if none does."""
    for length in (2, 1):
        command = " ".join(words[:length])
        if len(words) >= length and command in COMMANDS:
            return command, words[length:]
    return None, words


def overview():
    width = max(map(len, COMMANDS))
    rows = "\n".join(f"  {name:<{width}}  {what}" for name, (_path, what) in COMMANDS.items())
    return f"weilianxin <command> [--help]\n\n{rows}\n"


def main(words=None):
    """Run the command in `words` (the command line without the program's name) and exit with its code."""
    words = sys.argv[1:] if words is None else list(words)
    command, rest = find(words)
    if command == "demo":
        # The settings are read once, so what makes an installation a demo must be said before they are.
        importlib.import_module("weilianxin.config.demo_environment").prepare()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "weilianxin.config.settings")
    import django

    django.setup()
    if command is None:
        wanted = not words or words[0] in ("-h", "--help", "help")
        print(overview(), file=sys.stdout if wanted else sys.stderr)
        return sys.exit(0 if wanted else 2)
    path, what = COMMANDS[command]
    function, adds = target(path)
    parser = argparse.ArgumentParser(prog=f"weilianxin {command}", description=str(what))
    if adds:
        adds(parser)
    else:
        parser.add_argument("words", nargs="*", metavar="FILE")
    given = parser.parse_args(rest)
    try:
        return sys.exit(function(given if adds else given.words) or 0)
    except KeyboardInterrupt:
        return sys.exit(130)
    except DatabaseError:
        from . import check

        if not (missing := list(check.of_schema())):
            raise
        check.show(missing)
        return sys.exit(1)


if __name__ == "__main__":
    main()
