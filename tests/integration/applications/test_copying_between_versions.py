"""复制往年申报 between versions of a form: a database of its own, for rounds of a form that only this file knows stay in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.applications.forms import catalogue
from tests.integration.applications.conftest import Api
from tests.integration.applications.test_copying import codes, copy, get, report_of, this_year


@pytest.fixture
def next_version(tmp_path: Path) -> Iterator[None]:
    source = (catalogue.FOLDER / "reward" / "1.yaml").read_text(encoding="utf-8")
    for before, after in (
        ("version: 1", "version: 3"),
        ("{key: mobile, kind: mobile,", "{key: cell, was: mobile, kind: mobile,"),
    ):
        source = source.replace(before, after)
    (tmp_path / "reward").mkdir()
    (tmp_path / "reward" / "3.yaml").write_text(source, encoding="utf-8")
    catalogue.also(tmp_path)
    yield
    catalogue.FOLDERS.remove(tmp_path)
    catalogue.forms.cache_clear()


@pytest.mark.usefixtures("next_version")
async def test_from_an_older_version_and_from_a_newer_one(api: Api, submitted: str) -> None:
    newer = await copy(api, await this_year(api, form_version=3), submitted)
    assert newer["form_version"] == 3
    was = (await get(api, f"{submitted}/sections/contact"))["saved"]["mobile"]
    assert (await get(api, f"{newer['id']}/sections/contact"))["draft"]["cell"] == was
    report = await report_of(api, newer["id"])
    assert (report["from_version"], report["to_version"]) == (2, 3)
    assert ("contact", "cell", "moved") in codes(report, "moved")
    # A round of the older form does not know where the newer one's field went: it is kept beside it.
    older = await copy(api, await this_year(api), newer["id"])
    left = await get(api, f"{older['id']}/left-over")
    assert was in {x["text"] for x in left}
