"""我要报事 as JSON, below /api/v1: `weilianxin.api.urls` finds `ROUTERS`. Start reading at `report.py`."""

from . import desk, matters, numbers, public, report, thread

ROUTERS = [module.router for module in (report, matters, thread, public, desk, numbers)]
