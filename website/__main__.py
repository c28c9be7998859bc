"""Write the pages of the site and build it.

python -m website                   into build/site
python -m website --pages           the pages in Markdown alone, into build/site-source
python -m website --only emd,focal  of the components these alone, while a page is worked on
"""

from __future__ import annotations

import argparse
import multiprocessing
import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec

from website import api, command_line, components, font, gallery, guides
from website.places import HERE, ROOT, SITE, SOURCE


def write_pages(only: list[str] | None = None, jobs: int | None = None) -> None:
    """Write all pages in Markdown, in a folder that is emptied first; components in this many processes at once."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    SOURCE.mkdir(parents=True)
    asked = components.write_lists(only)
    # TensorFlow does not outlive a fork. Optimizers take longest, so they come first.
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(components.write_page, sorted(asked, key=lambda one: one[0] != "optimizer"), chunksize=4))
    counts = {"components": len(asked), "pipelines": gallery.write_pages()}
    counts["commands"] = command_line.write_pages()
    counts["modules"] = api.write_pages()
    counts["documents"] = guides.write_pages()
    shutil.copy(HERE / "site.css", SOURCE)
    font.write()
    print(", ".join(f"{count} {what}" for what, count in counts.items()))


def main() -> int:
    """Write the pages and build the site; return what zensical returns."""
    parser = argparse.ArgumentParser(prog="python -m website")
    parser.add_argument("--pages", action="store_true", help="write the pages in Markdown and no more")
    parser.add_argument("--only", default="", help="the components whose pages are written, all by default")
    parser.add_argument("--jobs", type=int, help="processes at once, by default as many as there are cores")
    given = parser.parse_args()
    if missing := [name for name in ("zensical", "mkdocstrings", "latex2mathml", "ziamath") if find_spec(name) is None]:
        print(f'The site is built with {", ".join(missing)}: `pip install "kzoo[docs]"`.', file=sys.stderr)
        return 1
    write_pages(given.only.split(",") if given.only else None, given.jobs)
    if given.pages:
        return 0
    shutil.rmtree(SITE, ignore_errors=True)
    strict = [] if given.only else ["--strict"]  # of some components alone, links to the others lead nowhere
    command = [sys.executable, "-m", "zensical", "build", *strict, "-f", str(ROOT / "mkdocs.yml")]
    return subprocess.call(command, cwd=ROOT)


if __name__ == "__main__":
    sys.exit(main())
