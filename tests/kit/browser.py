"""A real Chromium for the tests of the faces: found, or installed by ``python -m tests.kit.browser``.

A browser test without a browser fails; it is never skipped, since a face that nobody opened is not tested.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Browser, Playwright, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# The browser stays off the network by itself: only the pages under test speak, and only to the server under test.
QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
)
WAY_OUT = (
    "No Chromium was found. Install one: as root `apt-get install --no-install-recommends chromium fonts-noto-cjk`, "
    "otherwise `python -m playwright install chromium`; or name one with SHIYU_BROWSER=/path/to/chromium."
)


class NoBrowserError(RuntimeError):
    """There is no browser here; the message says what to install."""


def find_browser(playwright: Playwright | None = None) -> Path | None:
    """The browser that ``SHIYU_BROWSER`` names, the system's, or the one that Playwright downloaded; none there is ``None``."""
    named = os.environ.get("SHIYU_BROWSER")
    if named:
        path = shutil.which(named)
        if path is None:
            raise NoBrowserError(f"SHIYU_BROWSER names {named}, which cannot be run.")
        return Path(path)
    for name in NAMES:
        if path := shutil.which(name):
            return Path(path)
    if playwright is None:
        with sync_playwright() as own:
            return find_browser(own)
    downloaded = Path(playwright.chromium.executable_path)
    return downloaded if downloaded.exists() else None


def launch(playwright: Playwright, *more: str) -> Browser:
    """Open the browser that is there, or say what to install. ``more`` are further options of Chromium."""
    path = find_browser(playwright)
    if path is None:
        raise NoBrowserError(WAY_OUT)
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium's sandbox refuses root
    return playwright.chromium.launch(executable_path=path, args=[*sandbox, *QUIET, *more])


def draws_chinese() -> bool:
    """A font with Chinese characters is there; where nobody can be asked, it is believed."""
    if not shutil.which("fc-list"):
        return True
    return bool(subprocess.run(["fc-list", ":lang=zh"], capture_output=True, check=False).stdout.strip())


def install() -> None:
    """Fetch what is missing: Debian's packages as root, Playwright's download for everybody else."""
    missing = [
        package for package, there in (("chromium", find_browser()), ("fonts-noto-cjk", draws_chinese())) if not there
    ]
    if not missing:
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update"], check=True, env=quiet)
        subprocess.run(["apt-get", "install", "--yes", "--no-install-recommends", *missing], check=True, env=quiet)
    elif "chromium" in missing:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)


def main() -> int:
    """Leave a working browser behind, or fail with the way out."""
    try:
        install()
    except (subprocess.CalledProcessError, NoBrowserError) as error:
        print(f"{error}\n{WAY_OUT}", file=sys.stderr)  # noqa: T201
        return 1
    found = find_browser()
    if found is None:
        print(WAY_OUT, file=sys.stderr)  # noqa: T201
        return 1
    if not draws_chinese():
        print("No Chinese font was found: pictures will show empty boxes (Debian: fonts-noto-cjk).", file=sys.stderr)  # noqa: T201
    print(f"browser: {found}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
