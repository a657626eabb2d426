"""Next year's form with two gateways and two applications, tried on last year's cases before it is published."""

from collections.abc import Iterator

import pytest

from tests.e2e.conftest import OpenPage
from tests.e2e.test_workbench import next_years_form
from tests.system.running import RunningSystem, create, fill, submit

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    running = RunningSystem(tmp_path_factory.mktemp("two") / "var", "gateway=2", "applications=2")
    running.start()
    yield running
    running.stop()


def test_next_years_form_is_tried_published_and_filled_in_without_a_restart(
    open_page: OpenPage, system: RunningSystem
) -> None:
    person = system.person("qiye1")
    for name in ("去年的项目", "去年的另一个项目"):
        id = create(person, "subsidy")
        fill(person, id, "subsidy", name=name)
        submit(person, id)
    before = {name: process["restarts"] for name, process in system.description()["processes"].items()}
    next_years_form(open_page, system, tried_on=2)
    after = {name: process["restarts"] for name, process in system.description()["processes"].items()}
    assert after == before
    assert {"gateway-1", "gateway-2", "applications-1", "applications-2"} <= after.keys()
