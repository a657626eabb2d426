"""`make bench-pages` measures the form page as the portal makes it: what a page asks for is at hand there too."""

from tests.load.pages import made


async def test_the_measured_form_page_is_made() -> None:
    _, plain, travels = await made(3, 2)
    assert plain > 10_000
    assert 0 < travels < plain
