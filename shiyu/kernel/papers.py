"""文书 — printed papers as PDF: a Typst template beside the room that owns it, filled with data, never with code.

Data reaches the template as JSON, so that nothing a citizen wrote can be read as markup. Fonts are the system's own and are embedded.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import typst

from shiyu.kernel.errors import Refusal

# Tried in this order; each holds Chinese and Latin letters.
FONTS = ("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Micro Hei", "Microsoft YaHei", "SimSun")


def pdf(template: Path, data: Mapping[str, Any], pictures: Mapping[str, bytes] | None = None) -> bytes:
    """The paper as PDF. ``pictures``: files by the name under which the template shows them (JPEG, PNG).

    In the template ``json(bytes(sys.inputs.data))`` is ``data`` with ``fonts`` added. Refusal 503 ``paper.no_font`` where the machine
    has no Chinese font: a paper of empty boxes would be worse than none.
    """
    found = [font for font in FONTS if font in _families()]
    if not found:
        raise Refusal("paper.no_font", 503)
    said = json.dumps({**data, "fonts": found}, ensure_ascii=False, default=str)
    with TemporaryDirectory(prefix="shiyu-paper-") as folder:  # all that the template can read
        bench = Path(folder)
        main = bench / "main.typ"
        main.write_bytes(template.read_bytes())
        for name, picture in (pictures or {}).items():
            (bench / name).write_bytes(picture)
        return typst.compile(main, root=bench, format="pdf", sys_inputs={"data": said})


@cache
def _families() -> frozenset[str]:
    return frozenset(typst.Fonts().families())
