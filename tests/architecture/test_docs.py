"""Documents: generated pages are current, links lead somewhere, and paths that are named exist."""

import re
import subprocess
import tomllib
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

import pytest

from deploy.docs.pages import outdated
from deploy.embedded.system import ROOT
from shared import codes

FILES = sorted(
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    if (ROOT / name).exists()
)
FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^()\s]+(?:\([^()\s]*\)[^()\s]*)?)\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
# A file of ours, named as code.
NAMED = re.compile(
    r"`((?:services|shared|deploy|tests|docs)/[\w./-]+\.(?:py|yaml|md|sh|html|css|xhtml|txt))(?::[^`]*)?`"
)


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings get, as GitHub makes them."""
    seen: Counter[str] = Counter()
    found = set()
    for heading in HEADING.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


def test_generated_pages_are_current() -> None:
    assert outdated() == [], "run `make docs`"


def test_every_named_code_is_listed() -> None:
    """`ERROR` belongs to the base of all errors, which is never raised itself."""
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    statuses = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", page, re.MULTILINE))
    listed = statuses.keys()
    named = {value for name, value in vars(codes).items() if name.isupper()}
    assert len(listed) > 200
    assert named - listed == {codes.ERROR}
    # Codes of fields stand with the kinds and rules that give them.
    assert {code for code, status in statuses.items() if status != "field"} - named == set()


def test_no_code_is_written_where_it_is_used() -> None:
    """Only of a form's check the code is made, of its own name; what the page of examples shows is nobody's."""
    found = {
        f"{file.relative_to(ROOT)}: {code}"
        for folder in ("services", "shared")
        for file in (ROOT / folder).rglob("*.py")
        if file.name != "styleguide.py"
        for code in re.findall(r'\bcode(?:: str)?=(f?"[a-z][^"]*")', file.read_text(encoding="utf-8"))
    }
    assert found == {'services/applications/filling/judgement.py: f"check.{outcome.id}"'}


@pytest.mark.parametrize("page", FILES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    dead = []
    for link in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            dead.append(link)
    assert dead == []


@pytest.mark.parametrize("page", FILES, ids=lambda page: str(page.relative_to(ROOT)))
def test_paths_that_are_named_exist(page: Path) -> None:
    assert [path for path in NAMED.findall(page.read_text(encoding="utf-8")) if not (ROOT / path).exists()] == []


def test_readme_stays_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 130


def test_version_is_the_same_everywhere() -> None:
    """`pyproject.toml`, the lock, the newest release in the changelog, and the images that the cluster is told to run."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    packages = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    assert [package["version"] for package in packages if package["name"] == "gongmei"] == [version]
    headings = re.findall(r"^## \[(.+?)\](.*)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == ("Unreleased", "")
    assert headings[1][0] == version
    assert all(re.fullmatch(r" - \d{4}-\d{2}-\d{2}", date) for _, date in headings[1:])
    for file in (ROOT / "deploy" / "k8s").rglob("kustomization.yaml"):
        assert set(re.findall(r'newTag: "(.+?)"', file.read_text(encoding="utf-8"))) <= {version}
