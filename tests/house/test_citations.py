"""What the code cites is in the house: pages, their headings, and their named rows.

A citation is ``docs/PAGE.md``, ``docs/PAGE.md#heading`` (more of one page behind
commas: ``docs/PAGE.md#one, #two``), ``docs/PAGE.md NAME`` for a named row of a table
(``T13``, ``row 7``, ``case 5``; lists and ``A to B`` too), or ``docs/decisions/NNN``. A
name of a row alone (``T13``) is one as well, where it is unmistakable.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("**/*.md"))
CODE = sorted(
    path
    for folder in ("cucmsh", "commands", "tests", "benchmarks", "findings")
    for suffix in ("py", "sh")
    for path in ROOT.glob(f"{folder}/**/*.{suffix}")
)
NAME = r"(?:[TFSIPEGDCM]\d{1,2}a?|row \d+|case \d+)"
ANCHOR = rf"(?:#[a-z0-9-]+|{NAME}\b)"
CITATION = re.compile(
    rf"docs/([a-z]+)\.md((?: ?{ANCHOR})(?:(?:, | and | to |; )(?:{ANCHOR}))*)?"
)
DECISION = re.compile(r"docs/decisions/(\d+)((?:, | to )\d{3})?")
# Pages of their authors that nobody else has.
ELSEWHERE = re.compile(
    r"[\w-]+\.md\b(?<!README\.md)(?<!CHANGELOG\.md)(?<!CONTRIBUTING\.md)"
    r"|\b[Dd]esign (?:decision |section )?\d+|\b[Dd]ecisions? \d+"
    r"|\b[Ss]ections? \d[\d.]*(?:\(\w\))?"
)
# Standards have sections of their own.
STANDARD = re.compile(r"RFC \d+,? |X\.\d+ |draft-[\w-]+ |PROTOCOL file, ")


def slug(heading: str) -> str:
    """The anchor that a heading has, as GitHub makes it."""
    return re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-")


def anchors(page: str) -> set[str]:
    """What may be cited of a page: its headings and its named rows."""
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    rows = re.findall(rf"^\| ({NAME}) \|", page, re.MULTILINE)
    return {f"#{slug(heading)}" for heading in headings} | set(rows)


ANCHORS = {path.stem: anchors(path.read_text()) for path in DOCS.glob("*.md")}
ROWS = {name for page in ANCHORS.values() for name in page if name[0] != "#"}
NUMBERS = {path.name[:3] for path in DOCS.glob("decisions/*.md")}


def texts(path: Path) -> Iterator[str]:
    """Comments and docstrings, each in one line.

    Found by their marks, not parsed: parsing took ten times as long.
    """
    source = path.read_text()
    for block in re.findall(r"(?:^[ ]*# .*\n)+", source, re.MULTILINE):
        yield one_line(block)
    if path.suffix == ".py":
        yield from re.findall(r"\S[ ]{2}# (.*)$", source, re.MULTILINE)
        for text in re.findall(r'"""(.*?)"""', source, re.DOTALL):
            yield one_line(text)


def one_line(text: str) -> str:
    """The text without its line breaks, and without the marks of comments."""
    return re.sub(r"\s*\n\s*(?:# )?", " ", text.strip().removeprefix("# "))


def unresolved(text: str) -> Iterator[str]:
    """Citations in a text that lead nowhere."""
    yield from unresolved_anchors(text)
    numbers = [
        n
        for found in DECISION.findall(text)
        for n in re.findall(r"\d+", "".join(found))
    ]
    yield from (
        f"docs/decisions/{number}" for number in numbers if number not in NUMBERS
    )
    rest = DECISION.sub("", CITATION.sub("", text))
    for found in ELSEWHERE.finditer(rest):
        if not STANDARD.search(rest[max(0, found.start() - 40) : found.start()]):
            yield found[0]
    names = re.findall(rf"(?<![\w:-]){NAME}(?![\w-])", rest)
    yield from (name for name in names if name not in ROWS)


def unresolved_anchors(text: str) -> Iterator[str]:
    """Pages that are not there, and headings and rows that they do not have."""
    for page, cited in CITATION.findall(text):
        if page not in ANCHORS:
            yield f"docs/{page}.md"
        for anchor in re.findall(ANCHOR, cited):
            if anchor not in ANCHORS.get(page, ()):
                yield f"docs/{page}.md {anchor}"


@pytest.mark.parametrize(
    "text",
    [
        "docs/nowhere.md",
        "docs/formats.md#nothing-of-the-kind",
        "docs/formats.md#record, #nothing",
        "docs/security.md T99",
        "docs/security.md T1 to T99",
        "docs/clients.md T13",  # a row of another page
        "docs/decisions/999",
        "docs/decisions/007 to 999",
        "see threats.md",
        "(design decision 7)",
        "as section 4 says",
        "held by T99",
    ],
)
def test_a_citation_that_leads_nowhere_is_found(text: str) -> None:
    assert list(unresolved(text))


@pytest.mark.parametrize(
    "text",
    [
        "docs/formats.md#record, #roles",
        "docs/security.md T1 to T14, T25",
        "docs/performance.md row 7 to row 13",
        "docs/decisions/007 to 010; docs/decisions/003",
        "RFC 4253 section 6.6, README.md",
        "held by T13",
    ],
)
def test_a_citation_that_leads_somewhere_is_not(text: str) -> None:
    assert not list(unresolved(text))


@pytest.mark.thorough  # it reads every comment of the house
def test_what_the_code_cites_is_there() -> None:
    here = Path(__file__)
    nowhere = [
        f"{path.relative_to(ROOT)}: {cited}"
        for path in CODE
        if path != here
        for text in texts(path)
        for cited in unresolved(text)
    ]
    assert not nowhere


def test_links_between_the_papers_lead_somewhere() -> None:
    nowhere = []
    for path in [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"]:
        if not path.exists():
            continue
        for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
            if "://" in link:
                continue
            page, _, anchor = link.partition("#")
            target = (path.parent / page).resolve() if page else path
            if not target.exists() or (
                anchor
                and target.suffix == ".md"
                and f"#{anchor}" not in anchors(target.read_text())
            ):
                nowhere.append(f"{path.relative_to(ROOT)}: {link}")
    assert not nowhere
