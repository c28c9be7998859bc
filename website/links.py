"""Every link of the built site: those within it lead somewhere, and no page loads anything from elsewhere.

python -m website.links              the pages in build/site
python -m website.links --outside    ask the servers of the other links, too
"""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin, urlsplit

from website.places import SITE

if TYPE_CHECKING:
    from pathlib import Path

BASE = "https://kzoo-dev.github.io/kzoo/"
_BY_SRC = dict.fromkeys(("script", "img", "iframe", "video", "audio"), "src")
_LOADED = {**_BY_SRC, "source": "srcset", "use": "href"}
_LOADED_LINKS = {"stylesheet", "icon", "preload", "prefetch", "modulepreload", "preconnect", "dns-prefetch", "manifest"}
_ELSEWHERE = re.compile(r"url\([\"']?(https?:)?//")


class Page(HTMLParser):
    """What one page names: its anchors, what it links to and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one tag."""
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in _LOADED and given.get(_LOADED[tag]):
            self.loads.append(given[_LOADED[tag]])
        if tag == "link" and _LOADED_LINKS & set(given.get("rel", "").split()):
            self.loads.append(given.get("href", ""))


def pages_of(site: Path) -> dict[str, Page]:
    """Return the pages of a site by address, a folder's index as the folder."""
    found = {}
    for path in sorted(site.rglob("*.html")):
        address = path.relative_to(site).as_posix()
        found[address.removesuffix("index.html")] = Page(path.read_text("utf-8"))
    return found


def faults(site: Path, pages: dict[str, Page] | None = None) -> list[str]:
    """Return what is wrong with the links of a site, whose pages may have been read: a sentence for each."""
    pages, found = pages or pages_of(site), []
    for address, page in pages.items():
        if address == "404.html":  # it is shown at any depth, so its links begin at the site's root
            continue
        for link in page.links + page.loads:
            target = urljoin(BASE + address, link)
            if not target.startswith(BASE):
                if link in page.loads and not link.startswith("data:"):
                    found.append(f"{address} loads {link} from elsewhere")
                continue
            parts = urlsplit(target.removeprefix(BASE))
            path = unquote(parts.path)
            if path not in pages and not (site / path).is_file():
                found.append(f"{address} links to {link}, and there is no such page")
            elif parts.fragment and path in pages and unquote(parts.fragment) not in pages[path].anchors:
                found.append(f"{address} links to {link}, and that page has no such anchor")
    styles = {path.relative_to(site).as_posix(): path.read_text("utf-8") for path in sorted(site.rglob("*.css"))}
    found += [f"{path} loads something from elsewhere" for path, text in styles.items() if _ELSEWHERE.search(text)]
    return list(dict.fromkeys(found))


def outside(pages: dict[str, Page]) -> dict[str, str]:
    """Return the links of pages to other servers, each with a page that has it."""
    found: dict[str, str] = {}
    for address, page in pages.items():
        for link in page.links:
            if link.startswith("http") and not link.startswith(BASE):
                found.setdefault(link.partition("#")[0], address)
    return found


def unanswered(links: dict[str, str]) -> list[str]:
    """Return the links whose server says that there is nothing, or does not answer."""
    import requests

    found = []
    for link, address in links.items():
        try:
            answer = requests.get(link, timeout=30, stream=True, headers={"User-Agent": "kzoo's check of links"})
        except requests.RequestException as error:
            found.append(f"{address} links to {link}: {type(error).__name__}")
            continue
        answer.close()
        if answer.status_code in (404, 410):  # other codes are given to programs for pages that people can read
            found.append(f"{address} links to {link}: {answer.status_code}")
    return found


def main() -> int:
    """Print what is wrong and return 1 if anything is."""
    if not (SITE / "index.html").is_file():
        print(f"{SITE} has no site: build it with `python -m website`.")
        return 1
    pages = pages_of(SITE)
    found, elsewhere = faults(SITE, pages), outside(pages)
    if "--outside" in sys.argv[1:]:
        found += unanswered(elsewhere)
    for fault in found:
        print(fault)
    count = sum(len(page.links) + len(page.loads) for page in pages.values())
    servers = {urlsplit(link).netloc for link in elsewhere}
    print(f"{len(pages)} pages, {count:,} links; {len(elsewhere)} pages of {len(servers)} servers; {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
