"""One press for all tests of the documents, as a worker has, and every document printed once."""

import gc
from collections.abc import Callable

import pytest

from services.documents import rendering
from shared.document import AnyDocument

Printed = Callable[[AnyDocument], rendering.Pdf]


@pytest.fixture(scope="package")
def press() -> rendering.Press:
    # Every rendering ends with a collection, which would look at all that earlier tests have left each time.
    gc.collect()
    gc.freeze()
    return rendering.press()


@pytest.fixture(scope="package")
def printed(press: rendering.Press) -> Printed:
    """Renders a document, or gives what the same document was rendered to before: the bytes do not differ, which
    `test_bytes_are_the_same_in_other_processes` holds."""
    found: dict[str, rendering.Pdf] = {}

    def render(document: AnyDocument) -> rendering.Pdf:
        key = document.model_dump_json()
        if key not in found:
            found[key] = rendering.render(document, press)
        return found[key]

    return render
