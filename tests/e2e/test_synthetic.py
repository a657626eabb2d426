"""The system applies to itself: through the real gateway, documents worker and mail server, and an operator sees how it went."""

import time

import psycopg

from tests.e2e.conftest import OpenPage
from tests.e2e.portal import sign_in
from tests.system.running import RunningSystem

SECONDS = 60


def test_a_walk_goes_well_and_an_operator_sees_it(system: RunningSystem, open_page: OpenPage) -> None:
    own = system.description()["environments"]["gateway"]
    database = own["GM_DATABASE_URL"]
    with system.worker("services.gateway", "synthetic", **own), psycopg.connect(database, autocommit=True) as connection:
        until = time.monotonic() + SECONDS
        while (row := connection.execute("SELECT outcome, step, reason FROM identity.synthetic_runs").fetchone()) is None:
            assert time.monotonic() < until, system.log("gateway")[-5:]
            time.sleep(0.2)
    assert row == ("well", "", "")
    page = open_page(width=390)
    sign_in(page, "yunwei")
    page.goto("/ops")
    line = page.get_by_role("group", name="最近的自检").get_by_role("row").nth(1)
    assert "正常" in line.inner_text()
    page.context.close()
