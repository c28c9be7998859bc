"""The documents of the repository as pages: copied, with links that lead within the site."""

from __future__ import annotations

import re
import shutil

from website.places import FILES, ROOT, SOURCE, write

_OF_PROJECT = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
PROJECT = {"README.md": "index.md", **{name: f"project/{name.lower()}" for name in _OF_PROJECT}}
"""The documents at the top of the repository, and where they are on the site."""

_LINK = re.compile(r"(?P<before>\]\()(?P<path>(?!https?:|mailto:|#)[^)#\s]+)(?P<anchor>#[^)\s]*)?(?=\))")
_IMAGE = re.compile(r'(?P<before>(?:src|srcset)=")(?P<path>(?!https?:)[^"#]+)(?P<anchor>)(?=")')
_SITE = "https://kzoo-dev.github.io/kzoo/"


def address(path: str) -> str:
    """Return where a file of the repository is: a page of the site, or the file in the repository."""
    if path in PROJECT:
        return PROJECT[path]
    if path.startswith("docs/") and path.endswith((".md", ".svg", ".png", ".webp")):
        return f"guides/{path.removeprefix('docs/')}"
    return f"{FILES}{path}"


def rewritten(text: str, page: str) -> str:
    """Return a document of the repository, at the path ``page``, with the links that it has as a page of the site."""
    folder = (ROOT / page).parent
    depth = address(page).count("/")

    def there(found: re.Match[str]) -> str:
        target = (folder / found["path"]).resolve().relative_to(ROOT.resolve()).as_posix()
        new = address(target)
        new = new if new.startswith("http") else "../" * depth + new
        return f"{found['before']}{new}{found['anchor'] or ''}"

    parts = re.split(r"(^```.*?^```$)", text, flags=re.DOTALL | re.MULTILINE)  # what stands in a block of code stays
    for at in range(0, len(parts), 2):
        parts[at] = _IMAGE.sub(there, _LINK.sub(there, parts[at]))
        parts[at] = re.sub(rf"\]\({re.escape(_SITE)}([\w./-]*?)/?\)", lambda f: f"]({_within(f[1], depth)})", parts[at])
    return "".join(parts)


def _within(address_on_site: str, depth: int) -> str:
    """Return the page of an address of the site, as a link from within: a folder's is its index."""
    name = f"{address_on_site}.md" if (SOURCE / f"{address_on_site}.md").is_file() else f"{address_on_site}/index.md"
    return "../" * depth + name.lstrip("/")


def write_pages() -> int:
    """Write all of them, and their pictures; return how many pages."""
    pages = [*PROJECT, *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))]
    for page in pages:
        write(address(page), rewritten((ROOT / page).read_text("utf-8"), page))
    pictures = ROOT / "docs" / "images"
    if pictures.is_dir():
        shutil.copytree(pictures, SOURCE / "guides" / "images", dirs_exist_ok=True)
    return len(pages)
