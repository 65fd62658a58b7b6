"""The flow of a report as the table in docs/reports.md: `python -m tests.support.flow_table` writes it there."""

from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reports.md"
BEGIN, END = "<!-- the table of flow.py: written by tests.support.flow_table -->", "<!-- end of the table -->"
WHO = {"reporter": "报事人", "handler": "承办单位", "system": "系统"}


def states(flow):
    """One line for each state."""
    yield "| State | 状态 | Phase | What may follow |"
    yield "|---|---|---|---|"
    for state, phase in flow.phases.items():
        ways = [f"`{m.name}`" for m in flow.from_state(state) if m.target]
        yield f"| `{state}` | {flow.words[state]} | {phase} | {', '.join(ways) or 'nothing'} |"


def moves(flow, acts):
    """One line for each move, or for each act that leaves the state."""
    yield "| Act | 按钮 | From | Who |" if acts else "| Move | 按钮 | From | To | Who |"
    yield "|---|---|---|---|" if acts else "|---|---|---|---|---|"
    for move in flow.moves:
        if (move.target is None) == acts:
            target = "" if acts else f" `{move.target}` |"
            who = "、".join(called(role) for role in move.roles)
            yield f"| `{move.name}` | {move.label} | {', '.join(move.sources)} |{target} {who} |"


def called(role):
    from weilianxin.people.models import Role

    return WHO.get(role) or str(Role(role).label)


def table(flow):
    """The three tables, between their two marks."""
    parts = [states(flow), ["", "### Moves", ""], moves(flow, acts=False), ["", "### Acts that leave the state", ""]]
    lines = [line for part in [*parts, moves(flow, acts=True)] for line in part]
    return "\n".join([BEGIN, "### States", "", *lines, END])


def written(text, flow):
    """The page with the table as it is now."""
    before, _mark, rest = text.partition(BEGIN)
    return before + table(flow) + rest.partition(END)[2]


def main():
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "weilianxin.config.settings")
    django.setup()
    from weilianxin.programmes.reports.flow import REPORTS

    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), REPORTS), encoding="utf-8")


if __name__ == "__main__":
    main()
