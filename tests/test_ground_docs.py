"""What the documents say about settings, commands and rooms is what the house has."""

import re
import tomllib
from pathlib import Path

import pytest
from django.urls import get_resolver

from weilianxin.config import cli
from weilianxin.people.models import Role
from weilianxin.programmes.reports import importing
from weilianxin.programmes.reports.flow import REPORTS

from .support import flow_table

ROOT = Path(__file__).resolve().parents[1]
RUN = (ROOT / "docs" / "run.md").read_text(encoding="utf-8")
MAP = (ROOT / "docs" / "map.md").read_text(encoding="utf-8")
# For those who develop or look closely, not for those who run an installation.
NOT_FOR_OPERATORS = {"DEBUG", "DEMO"}


def settings_of_the_code():
    source = (ROOT / "weilianxin" / "config" / "settings.py").read_text(encoding="utf-8")
    return set(re.findall(r"env(?:_bool)?\(\"([A-Z_]+)\"", source)) - NOT_FOR_OPERATORS


def test_every_setting_is_explained_to_the_operator():
    told = set(re.findall(r"`(?:WEILIANXIN)?_([A-Z_]+)`", RUN)) | set(re.findall(r"WEILIANXIN_([A-Z_]+)", RUN))
    short = {name.removeprefix(prefix) for name in settings_of_the_code() for prefix in ("SMS_", "SMTP_")}
    missing = {name for name in settings_of_the_code() if name not in told and f"_{name}`" not in RUN}
    assert missing == set()
    invented = {name for name in told if name not in settings_of_the_code() and name not in short}
    assert invented == set()


def test_every_command_of_an_operator_is_explained():
    told = RUN + (ROOT / "README.md").read_text(encoding="utf-8")
    for command in set(cli.COMMANDS) - {"demo", "bench", "route", "import reports"}:
        assert f"weilianxin {command}" in told, command


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_read_me_shows_commands_that_exist(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    shown = set(re.findall(r"make ([a-z]+)", text))
    assert {"demo", "test"} <= shown <= targets
    for words in re.findall(r"bin/weilianxin ([a-z]+(?: [a-z]+)?)", text):
        assert cli.find(words.split())[0], words


def test_every_room_stands_on_the_map_and_every_door_on_it_opens():
    rooms = {p.parent.name for p in (ROOT / "weilianxin").glob("*/__init__.py")} - {"programmes"}
    programmes = {f"programmes/{p.parent.name}" for p in (ROOT / "weilianxin" / "programmes").glob("*/__init__.py")}
    for room in rooms | programmes:
        row = re.search(rf"^\| `weilianxin/{room}` \|.*\| (.+) \|$", MAP, re.MULTILINE)
        assert row, f"{room} is not on the map"
        for door in re.findall(r"`([\w/]+\.py)`", row[1]):
            assert (ROOT / "weilianxin" / room / door).exists(), f"{room}/{door}"
    for path in re.findall(r"`((?:programmes|areas|people|cases|notify|config|support)/[\w/]+\.(?:py|csv))`", MAP):
        assert (ROOT / "weilianxin" / path).exists() or (ROOT / "tests" / path).exists(), path


def test_no_lock_file_names_a_host():
    for path in ROOT.glob("requirements*.lock"):
        assert "://" not in path.read_text(encoding="utf-8"), path.name


def test_every_locked_package_has_a_hash():
    for path in ROOT.glob("requirements*.lock"):
        text = path.read_text(encoding="utf-8")
        packages = re.findall(r"^[a-z0-9][\w.-]*==[^\n]*(?:\n[ ]+--hash[^\n]*)*", text, re.MULTILINE)
        assert len(packages) > 10
        assert [p.split("==")[0] for p in packages if "--hash=sha256:" not in p] == []


def rows_of_the_glossary():
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    for line in re.findall(r"^\| .+ \|$", text, re.MULTILINE):
        chinese, _english, names, folders = (cell.strip() for cell in line.strip("|").split("|"))
        if chinese != "中文":
            yield chinese, re.findall(r"`([^`]+)`", names), re.findall(r"`([^`]+)`", folders)


def stands_in(name, sources):
    """Whether an identifier of the glossary is one of the code: `Class.field` in one module, others as a word."""
    owner, _dot, field = name.rpartition(".")
    return any(
        re.search(rf"\b{field}\b", source) and (not owner or re.search(rf"^class {owner}\b", source, re.MULTILINE))
        for source in sources
    )


def test_every_identifier_of_the_glossary_is_in_the_code():
    pages = {
        f"{space}:{name}"
        for space, (_prefix, resolver) in get_resolver().namespace_dict.items()
        for name in resolver.reverse_dict
        if isinstance(name, str)
    }
    wrong, seen = [], set()
    for chinese, names, folders in rows_of_the_glossary():
        assert names and folders, chinese
        assert chinese not in seen, f"{chinese} stands twice"
        seen.add(chinese)
        modules = [path for folder in folders for path in (ROOT / "weilianxin" / folder).rglob("*.py")]
        sources = [path.read_text(encoding="utf-8") for path in modules if "migrations" not in path.parts]
        assert sources, f"{chinese}: no folder {folders}"
        wrong += [(chinese, n) for n in names if not (n in pages if ":" in n else stands_in(n, sources))]
    assert len(seen) > 100
    assert wrong == []


def test_every_post_state_and_act_has_its_word_in_the_glossary():
    names = {name.rpartition(".")[2] for _chinese, found, _folders in rows_of_the_glossary() for name in found}
    wanted = {role.name for role in Role} | set(REPORTS.phases) | {move.name for move in REPORTS.moves}
    assert wanted - names == set()


def test_every_runtime_dependency_has_its_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [re.match(r"[\w-]+", line)[0] for line in project["dependencies"]]
    table = (ROOT / "docs" / "decisions" / "dependencies.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `([\w-]+)` \| .{10,} \|$", table, re.MULTILINE) == wanted


def test_decisions_are_numbered_dated_short_and_listed():
    folder = ROOT / "docs" / "decisions"
    files = sorted(folder.glob("0*.md"))
    index = (folder / "README.md").read_text(encoding="utf-8")
    assert [int(path.name[:4]) for path in files] == list(range(1, len(files) + 1))
    for path in files:
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= 25 and lines[0].startswith(f"# {int(path.name[:4])}. "), path.name
        assert re.match(r"\d{4}-\d\d-\d\d · ", lines[2]), path.name
        assert f"[{lines[0].split('. ', 1)[1]}]({path.name})" in index, path.name


def test_every_link_between_documents_leads_somewhere():
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.relative_to(ROOT)} leads to {target}"


def test_every_state_and_move_of_a_report_stands_in_its_document():
    text = flow_table.PAGE.read_text(encoding="utf-8")
    for state, phase in REPORTS.phases.items():
        assert re.search(rf"^\| `{state}` \| [^|]+ \| {phase} \|", text, re.MULTILINE), state
    for move in REPORTS.moves:
        row = rf"^\| `{move.name}` \| [^|]+ \| {', '.join(move.sources)} \|"
        row += rf" `{move.target}` \|" if move.target else ""
        assert re.search(row, text, re.MULTILINE), f"{move.name}: run python -m tests.support.flow_table"


def test_the_mapping_shown_for_other_channels_is_one_that_is_taken(tmp_path):
    text = (ROOT / "docs" / "import.md").read_text(encoding="utf-8")
    example = tmp_path / "mailbox.toml"
    example.write_text(re.search(r"```toml\n(.+?)```", text, re.DOTALL)[1], encoding="utf-8")
    mapping = importing.read_map(example)
    assert set(mapping["columns"]) == set(importing.USUAL)
    assert importing.columns_of(list(mapping["columns"].values()), mapping) == mapping["columns"]
    for ours, names in importing.USUAL.items():
        assert f"`{ours}`" in text
        assert all(name in text for name in names), ours


def test_every_word_a_guide_quotes_from_a_page_is_on_a_page():
    sources = [p for kind in ("html", "py", "csv") for p in (ROOT / "weilianxin").rglob(f"*.{kind}")]
    pages = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    for guide in (ROOT / "docs" / "guides").glob("*.md"):
        for quoted in re.findall("“([^”]+)”", guide.read_text(encoding="utf-8")):
            for word in re.split(" → | · |：|、", quoted):
                assert word in pages, f"{guide.name} quotes “{quoted}”"


def test_every_page_of_the_map_is_in_the_file_it_names():
    rows = re.findall(r"^\| ([^|]+) \| ([^|]*`/[^|]+) \| ([^|]+) \|$", MAP, re.MULTILINE)
    assert len(rows) > 10
    for page, _address, files in rows:
        named = re.findall(r"`([\w/]+\.py)`", files)
        folder = (ROOT / "weilianxin" / named[0]).parent
        for name in named:
            assert (ROOT / "weilianxin" / name).exists() or (folder / name).exists(), f"{page}: {name}"
