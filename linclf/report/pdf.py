"""The report as one PDF, printed by the system's Chromium."""

import base64
import os
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

from linclf.errors import ConfigError

from .views.settings import PAPER

_NAMES = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
)


def browser() -> str:
    """Where Chromium, or what is made from it, is found; ConfigError if it is not."""
    if found := next(filter(None, map(shutil.which, _NAMES)), None):
        return found
    raise ConfigError(
        "expected Chromium or Chrome, which prints the PDF, found neither: install one, or leave out --pdf"
    )


def print_pdf(page: str, scratch: Path) -> bytes:
    """The PDF of a page that :func:`.render.join` made, with bookmarks, and sheet numbers in its table of contents.

    The browser keeps its own files in the folder ``scratch``.
    """
    page = re.sub(r"(data:image/svg\+xml;base64,)([\w+/=]+)", _on_white, page)
    # No browser numbers a table of contents: it is printed twice, and the first print says where everything stands.
    return _printed(_numbered(page, _printed(page, scratch)), scratch)


def _on_white(link: re.Match[str]) -> str:
    """The link to a figure, whose ground is as white as the sheet; a page's own is a shade darker."""
    return link[1] + base64.b64encode(base64.b64decode(link[2]).replace(PAPER.encode(), b"#ffffff")).decode()


def _printed(page: str, scratch: Path) -> bytes:
    source, made = scratch / "page.html", scratch / "page.pdf"
    source.write_text(page, encoding="utf-8")
    made.unlink(missing_ok=True)
    options = ["--headless", "--disable-gpu", f"--user-data-dir={scratch / 'browser'}", "--no-first-run"]
    options += ["--no-pdf-header-footer", "--generate-pdf-document-outline", f"--print-to-pdf={made}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--no-sandbox")  # Chromium starts for root without its sandbox only
    try:
        done = subprocess.run([browser(), *options, source.as_uri()], capture_output=True, text=True, timeout=300)
        return made.read_bytes()
    except subprocess.TimeoutExpired:
        raise ConfigError("the browser did not print the PDF within 300 s") from None
    except FileNotFoundError:
        said = done.stderr.strip().splitlines()[-1:] or [f"status {done.returncode}"]
        raise ConfigError(f"the browser printed no PDF: {said[0]}") from None


def _numbered(page: str, printed: bytes) -> str:
    """The page with the sheet of each target in its table of contents, as far as ``printed`` tells."""
    sheets = {number: i for i, number in enumerate(re.findall(rb"(\d+) 0 obj\n<</Type /Page\n", printed), start=1)}
    found = {
        re.sub(rb"#([0-9A-F]{2})", lambda code: bytes([int(code[1], 16)]), name).decode(errors="replace"): sheets[sheet]
        for name, sheet in re.findall(rb"/(\S+) \[(\d+) 0 R /XYZ", printed)
        if sheet in sheets
    }

    def link(match: re.Match[str]) -> str:
        return f'<a data-page="{found.get(unescape(match[1]), "")}" href="#{match[1]}">'

    before, contents, after = re.split('(<nav [^>]*class="contents".*?</nav>)', page, maxsplit=1, flags=re.S)
    return before + re.sub(r'<a href="#([^"]+)">', link, contents) + after
