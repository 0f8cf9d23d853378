"""axe-core over a page: what keeps people out, by the rules of WCAG 2.2 A and AA."""

from functools import cache
from pathlib import Path

from playwright.sync_api import Page

SCRIPT = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
GRAVE = {"serious", "critical"}


@cache
def _script() -> str:
    return SCRIPT.read_text(encoding="utf-8")


def grave(page: Page) -> list[str]:
    """Serious and critical findings of the page as it now is: rule, words, the first places."""
    page.evaluate(_script())
    found = page.evaluate("rules => axe.run({ runOnly: rules })", RULES)
    return [
        f"{page.url} {one['id']} ({one['help']}): {' | '.join(node['html'][:160] for node in one['nodes'][:3])}"
        for one in found["violations"]
        if one["impact"] in GRAVE
    ]
