"""Restrict what a document may load to what stands in it."""

from weasyprint.urls import URLFetcher


class EmbeddedOnly(URLFetcher):  # type: ignore[misc]  # published without types
    """`data:` URLs only. No network and no files: a value typed by somebody must not make us fetch anything."""

    def __init__(self) -> None:
        super().__init__(allowed_protocols=("data",), allow_redirects=False, fail_on_errors=True)
