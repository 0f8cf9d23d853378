"""``python -m benchmarks [name ...] [--quick] [--json FILE]``: measure, print, and keep what was found with machine and versions."""

import argparse
import json
from pathlib import Path
from types import ModuleType

from benchmarks import feed, ground, intake, law, lists, machine

ALL: dict[str, ModuleType] = {"intake": intake, "feed": feed, "lists": lists, "law": law}


def main() -> None:
    """Each benchmark on a city of its own."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"which: {', '.join(ALL)}; none means all")
    parser.add_argument("--quick", action="store_true", help="shorter runs, smaller tables")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there too")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(ALL):
        parser.error(f"no such benchmark: {', '.join(unknown)}")
    found: dict[str, object] = {}
    for name in asked.names or ALL:
        with ground.city() as server:
            found.setdefault("machine", machine.described())
            print(f"\n== {name}{' (quick)' if asked.quick else ''}", flush=True)
            result = ALL[name].run(server, asked.quick)
            found[name] = result
            print("\n".join(ALL[name].said(result)), flush=True)
    if asked.json:
        asked.json.write_text(json.dumps(found | {"quick": asked.quick}, ensure_ascii=False, indent=1) + "\n")
    if any(isinstance(one, dict) and one.get("failed") for one in found.values()):
        raise SystemExit("a promise did not hold")


if __name__ == "__main__":
    main()
