"""Spreadsheets brought in through the page: all rows or none, and every bad row told with what to do."""

import csv
import io
import tempfile
from importlib import import_module
from pathlib import Path

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.module_loading import module_has_submodule
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from weilianxin.areas.importing import import_areas, import_calendar, templates
from weilianxin.cases.errors import Invalid
from weilianxin.lib.programme import programmes
from weilianxin.lib.refusal import Refused
from weilianxin.lib.tables import decoded
from weilianxin.people.importing import STAFF_COLUMNS, UNIT_COLUMNS, import_staff, import_units
from weilianxin.people.session import admin_required

from .frame import attempt, note, page, typed

RESULT = "import_result"
TOLD = 200  # bad rows shown on the page
MOST_REPORTS = 1000  # rows brought in through the page; more goes by the command, which does not hold a page up
NAMED = 60  # characters of a source or a column's name
HEAVIEST = 20 * 1024 * 1024

# kind: (label, function, empty sheet, what it is for). A function takes (file, at=, by=).
KINDS = {
    "areas": (
        gettext_lazy("区域"),
        import_areas,
        gettext_lazy("区、街道、社区、网格；一个文件里也可以带“地点”表。"),
    ),
    "places": (gettext_lazy("小区和楼幢"), import_areas, gettext_lazy("小区、幢、单元、室和公共场所。")),
    "outlines": (
        gettext_lazy("网格边界"),
        lambda file, **more: import_areas(None, geojson=file, **more),
        gettext_lazy("GeoJSON 文件，properties 里写 code，坐标用 WGS-84。"),
    ),
    "calendar": (
        gettext_lazy("工作日历"),
        import_calendar,
        gettext_lazy("一年里和周一到周五不同的日子，导入会替换整年。"),
    ),
    "staff": (
        gettext_lazy("人员和岗位"),
        import_staff,
        gettext_lazy("一行一个岗位；新账号的初始密码只显示一次。"),
    ),
    "units": (gettext_lazy("承办单位"), import_units, gettext_lazy("物业、维修、环卫等单位和它们负责的地方。")),
}
# Empty sheets to fill in: the names of the columns, or a file that comes with the software.
COLUMNS = {"staff": STAFF_COLUMNS, "units": UNIT_COLUMNS}
BLANKS = {"areas": "区域.csv", "places": "地点.csv", "calendar": "日历.csv"}


class BadRows(Refused):
    """A file in which rows are wrong; nothing of it was taken. `problems` are the rows."""

    def __init__(self, problems):
        super().__init__(_("有 %(n)s 处要改，什么都没有导入。") % {"n": len(problems)})
        self.problems = problems


def entries():
    return [
        {"kind": kind, "label": label, "help": words, "blank": kind in COLUMNS or kind in BLANKS}
        for kind, (label, _function, words) in KINDS.items()
    ]


def channels():
    """Programmes that can take in messages of other channels: their module `importing` has `import_file`."""
    found = []
    for config in programmes():
        if module_has_submodule(import_module(config.name), "importing"):
            module = import_module(f"{config.name}.importing")
            if hasattr(module, "import_file"):
                found.append((config, module))
    return found


def show(request, *, refusal=None, kind="", result=None):
    upload = request.FILES.get("file") if refusal else None
    context = {
        "entries": entries(),
        "channels": [
            {
                "label": c.label,
                "columns": [(n, m.called(n), typed(request, f"column_{n}", NAMED)) for n in getattr(m, "USUAL", {})],
            }
            for c, m in channels()
        ],
        "kind": kind,
        "which": KINDS[kind][0] if kind in KINDS else _("其他渠道的报事"),
        "file": upload.name[:NAMED] if upload else "",
        "bad": [row(problem) for problem in getattr(refusal, "problems", [])[:TOLD]],
        "result": result,
        "typed": request.POST if request.method == "POST" else {},
    }
    return page(request, "desk/admin/imports.html", context, refusal=refusal)


def row(problem):
    """A bad row as the page shows it, whichever room it comes from."""
    if isinstance(problem, tuple):
        line, column, what, remedy = problem
        return {"sheet": "", "row": line, "column": column, "value": "", "what": what, "remedy": remedy}
    return {name: getattr(problem, name, "") for name in ("sheet", "row", "column", "value", "what", "remedy")}


@never_cache
@require_safe
@admin_required
def imports(request):
    """What can be brought in, and once: what the last import did, with the first passwords of new accounts."""
    return show(request, result=request.session.pop(RESULT, None))


@require_safe
@admin_required
def blank(request, kind):
    """An empty sheet to fill in: the names of the columns as a CSV that Excel opens."""
    if kind in COLUMNS:
        out = io.StringIO()
        csv.writer(out).writerow(COLUMNS[kind])
        content = "\ufeff" + out.getvalue()
    elif kind in BLANKS:
        content = templates()[BLANKS[kind]].read_bytes()
    else:
        raise Http404
    response = HttpResponse(content, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{kind}.csv"'
    return response


def sent_file(request):
    upload = request.FILES.get("file")
    if upload is None:
        raise Invalid(_("请选一个文件。"), "file")
    if upload.size > HEAVIEST:
        raise Invalid(_("文件太大，最多 20 MB，请分成几个文件。"), "file")
    return upload


@require_POST
@admin_required
def take(request, kind):
    """Bring a file in, or say of every bad row what is wrong."""
    if kind not in KINDS:
        raise Http404

    def act():
        upload = sent_file(request)
        label, function, _words = KINDS[kind]
        try:
            result = function(upload, at=timezone.now(), by=request.account)
        except ValueError as unreadable:
            raise Invalid(str(unreadable), "file") from None
        if result.problems:
            raise BadRows(result.problems)
        note(request, "imported", kind=kind, made=result.made, changed=result.changed)
        request.session[RESULT] = {
            "label": str(label),
            "made": result.made,
            "changed": result.changed + getattr(result, "succeeded", 0) + getattr(result, "closed", 0),
            "passwords": [list(line) for line in getattr(result, "passwords", [])],
        }
        return reverse("desk:admin_imports")

    answer, refusal = attempt(request, act)
    return answer if answer is not None else show(request, refusal=refusal, kind=kind)


@require_POST
@admin_required
def take_reports(request, label):
    """Messages of another channel, with a mapping of columns where theirs are not among the usual names."""
    module = next((m for config, m in channels() if config.label == label), None)
    if module is None:
        raise Http404

    def act():
        upload, source = sent_file(request), typed(request, "source", 16)
        if not source:
            raise Invalid(_("请写明是哪个渠道，例如 hotline。"), "source")
        names = {ours: typed(request, f"column_{ours}", NAMED) for ours in getattr(module, "USUAL", {})}
        mapping = {"columns": {ours: theirs for ours, theirs in names.items() if theirs}}
        outcome = in_a_file(upload, lambda path: module.import_file(path, source, mapping))
        note(request, "reports_imported", programme=label, rows=outcome.rows, imported=outcome.imported)
        request.session[RESULT] = {
            "label": str(_("其他渠道的报事")),
            "made": outcome.imported,
            "known": outcome.known,
            "refused": outcome.refused,
            "bad": [row(problem) for problem in outcome.problems[:TOLD]],
        }
        return reverse("desk:admin_imports")

    answer, refusal = attempt(request, act)
    return answer if answer is not None else show(request, refusal=refusal, kind=label)


def in_a_file(upload, deed):
    """`deed(path)` on the upload as UTF-8 in a file that is gone afterwards; Invalid for what cannot be read."""
    try:
        text = decoded(upload.read())
    except ValueError as problem:
        raise Invalid(str(problem), "file") from None
    if sum(1 for _line in csv.reader(io.StringIO(text))) > MOST_REPORTS + 1:
        message = _("网页上一次最多导入 %(n)s 行，更多请用 weilianxin import reports。")
        raise Invalid(message % {"n": MOST_REPORTS}, "file")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "upload.csv"
        path.write_text(text, encoding="utf-8")
        try:
            return deed(path)
        except (ValueError, csv.Error) as problem:
            column = getattr(problem, "column", "")
            raise Invalid(str(problem), f"column_{column}" if column else "file") from None
