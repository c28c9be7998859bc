"""The check of the built site, and that the documents link to headings that they have."""

import re

import pytest
import yaml
from website.guides import address, rewritten
from website.links import faults, outside, pages_of, unanswered
from website.places import ROOT

DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]


def site(folder, **pages):
    for name, text in pages.items():
        path = folder / name.replace("__", "/").removesuffix("_html")
        path = path.with_name(path.name + ".html") if name.endswith("_html") else path / "index.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def test_a_sound_site_has_no_faults(tmp_path):
    (tmp_path / "a.css").write_text("p { background: url(data:image/png;base64,AA) }")
    (tmp_path / "x.png").write_bytes(b"")
    home = '<link rel="stylesheet" href="a.css"><img src="x.png"><a href="emd/">1</a> <a href="emd/#two">2</a>'
    page = '<h2 id="two">2</h2> <a href="..">home</a> <a href="#two">2</a> <a href="https://arxiv.org/abs/1">paper</a>'
    assert faults(site(tmp_path, index_html=home, emd=page)) == []
    assert outside(pages_of(tmp_path)) == {"https://arxiv.org/abs/1": "emd/"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('<a href="edm/">', "links to edm/, and there is no such page"),
        ('<a href="emd/#three">', "no such anchor"),
        ('<a href="#three">', "no such anchor"),
        ('<img src="y.png">', "y.png"),
        ('<img src="https://example.com/y.png">', "loads https://example.com/y.png from elsewhere"),
        ('<script src="//cdn.example.com/a.js"></script>', "loads //cdn.example.com/a.js from elsewhere"),
        ('<link rel="stylesheet" href="https://fonts.example.com/css">', "from elsewhere"),
        ('<link rel="preconnect" href="https://fonts.example.com">', "from elsewhere"),
    ],
)
def test_a_fault_is_found(tmp_path, text, words):
    [fault] = faults(site(tmp_path, index_html=text, emd='<p id="two">'))
    assert words in fault


def test_a_style_that_loads_from_elsewhere_is_found(tmp_path):
    (tmp_path / "a.css").write_text("@font-face { src: url('//fonts.example.com/a.woff2') }")
    assert faults(site(tmp_path, index_html="")) == ["a.css loads something from elsewhere"]


def test_a_server_that_has_nothing_is_found(monkeypatch):
    import requests

    class Answer:
        def __init__(self, status):
            self.status_code = status

        def close(self):
            pass

    def get(link, **_):
        if "gone" in link:
            raise requests.ConnectionError
        return Answer({"a": 200, "b": 404, "c": 403}[link[-1]])

    monkeypatch.setattr(requests, "get", get)
    links = {f"https://example.com/{name}": "page/" for name in ("a", "b", "c", "gone")}
    assert unanswered(links) == [
        "page/ links to https://example.com/b: 404",
        "page/ links to https://example.com/gone: ConnectionError",
    ]


def slug(heading):
    text = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", text))


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.name)
def test_the_documents_link_to_headings_that_exist(page):
    text = page.read_text("utf-8")
    for path, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)", text):
        other = (page.parent / path) if path else page
        headings = re.findall(r"^#+ (.*)$", other.read_text("utf-8"), re.MULTILINE)
        assert anchor in {slug(heading) for heading in headings}, (page.name, path, anchor)


def test_a_document_leads_to_pages_of_the_site_and_files_of_the_repository():
    text = "[a](running.md#data) [b](../SECURITY.md) [c](../examples/notebooks) [d](https://x.org) `[e](f.md)`"
    assert rewritten(text.partition(" `")[0], "docs/python.md") == (
        "[a](../guides/running.md#data) [b](../project/security.md) "
        "[c](https://github.com/kzoo-dev/kzoo/blob/main/examples/notebooks) [d](https://x.org)"
    )
    assert rewritten("![x](docs/images/run.svg) [y](docs/running.md)", "README.md") == (
        "![x](guides/images/run.svg) [y](guides/running.md)"
    )
    assert rewritten("```sh\n[a](b.md)\n```", "README.md") == "```sh\n[a](b.md)\n```"


def test_every_document_is_in_the_navigation():
    def pages(nav):
        for one in nav:
            value = next(iter(one.values())) if isinstance(one, dict) else one
            yield from pages(value) if isinstance(value, list) else [value]

    stated = set(pages(yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["nav"]))
    made = {address(path.relative_to(ROOT).as_posix()) for path in DOCUMENTS}
    assert made - stated == set()
    assert {page for page in stated - made if not page.endswith("/")} == set()


def test_the_first_picture_of_the_readme_is_there_and_loads_nothing():
    picture = (ROOT / "docs" / "images" / "run.svg").read_text("utf-8")
    assert "kzoo run" in re.sub(r"&#160;|<[^>]+>", " ", picture)
    assert re.findall(r"url\((?!#)[^)]*\)|href=\"(?!#)", picture) == []
    assert "docs/images/run.svg" in (ROOT / "README.md").read_text("utf-8")
