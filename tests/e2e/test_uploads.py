"""Large files on real processes: how much memory they cost, and the page's way through the gateway."""

from tests.load.uploads import MB, growth
from tests.system.running import RunningSystem, create


def test_twenty_megabytes_grow_no_process_by_five(system: RunningSystem) -> None:
    person = system.person("qiye1")
    id = create(person)
    growth(system, person, id, 1 * MB)
    grown = growth(system, person, id, 20 * MB)
    assert all(megabytes < 5 for megabytes in grown.values()), grown
