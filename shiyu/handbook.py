"""手册 — the pages of ``docs/`` that are made from the code: glossary, life-cycles, events, settings. ``shiyu docs`` writes them."""

from collections.abc import Callable, Iterable
from pathlib import Path

from shiyu.kernel import events, words
from shiyu.kernel.config import Settings
from shiyu.kernel.lifecycle import Lifecycle

SOURCE = Path(__file__).parent.parent / "docs"
HEAD = "<!-- Made by `shiyu docs`; change its sources instead. -->\n\n"


def pages(lifecycles: Iterable[Lifecycle]) -> dict[str, str]:
    """Every generated page by its name."""
    tables = list(lifecycles)
    makers: dict[str, Callable[[], str]] = {
        "glossary.md": _glossary,
        "lifecycles.md": lambda: _lifecycles(tables),
        "events.md": _events,
        "settings.md": _settings,
    }
    return {name: HEAD + make() for name, make in makers.items()}


def write(lifecycles: Iterable[Lifecycle], folder: Path = SOURCE) -> list[str]:
    """Write the pages that differ; their names."""
    changed = []
    for name, text in pages(lifecycles).items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(name)
    return changed


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    titles = list(head)
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(
        "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in lines
    )


def _glossary() -> str:
    shown = [
        term for term in words.terms().values() if not term.identifier.startswith(("refusal.", "doctor.", "kind."))
    ]
    out = [
        "# 词表 Glossary",
        "",
        "From the `terms.csv` of each room; labels of all faces and the tests read the same rows.",
        "",
    ]
    for room in dict.fromkeys(term.room for term in shown):
        rows = [(f"`{t.identifier}`", t.zh, t.en, t.basis) for t in shown if t.room == room]
        out += [f"## {room}", "", _table(("identifier", "中文", "English", "basis"), rows), ""]
    return "\n".join(out)


def _lifecycles(tables: Iterable[Lifecycle]) -> str:
    out = ["# 生命周期 Life-cycles", ""]
    for table in tables:
        rows = [
            (
                f"`{line.verb}` {line.zh}",
                ", ".join(sorted(line.source)),
                line.target or "—",
                ", ".join(sorted(line.who)),
                line.clock or "",
                ", ".join(line.needs),
            )
            for line in table.moves
        ]
        out += [f"## {words.say(f'model.{table.subject.capitalize()}')} {table.subject}", ""]
        out += [_table(("verb", "from", "to", "who", "clock", "must bring"), rows), ""]
        out += ["```mermaid", table.mermaid(), "```", ""]
    return "\n".join(out)


def _events() -> str:
    heard: dict[str, list[str]] = {}
    for listener in events.listeners().values():
        for kind in listener.kinds:
            heard.setdefault(kind, []).append(f"`{listener.name}`")
    rows = [
        (f"`{name}`", (cls.__doc__ or "").strip().splitlines()[0], ", ".join(sorted(heard.get(name, []))))
        for name, cls in sorted(events.kinds().items())
    ]
    return "# 事件 Events\n\n" + _table(("event", "what it says", "who listens"), rows) + "\n"


def _settings() -> str:
    rows = [
        (f"`SHIYU_{name.upper()}`", "" if field.default_factory else repr(field.default), field.description or "")
        for name, field in Settings.model_fields.items()
    ]
    return (
        "# 设置 Settings\n\nEnvironment variables, or lines of a `.env` file.\n\n"
        + _table(("variable", "default", "what it does"), rows)
        + "\n"
    )
