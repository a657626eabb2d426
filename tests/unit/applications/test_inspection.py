"""What is found inside files: broken, encrypted and oversized ones, and those that are as they should be."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from pypdf import PdfReader, PdfWriter

from deploy.demo.files import pdf, png
from services.applications.attachments.inspection import look_into

PDF, PNG, JPEG = "application/pdf", "image/png", "image/jpeg"


def encrypted(password: str) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(BytesIO(pdf())))
    writer.encrypt(user_password=password, owner_password="owner", algorithm="AES-256")
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def without_pages() -> bytes:
    writer = PdfWriter()
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def jpeg(width: int = 600, height: int = 400, **options: object) -> bytes:
    out = BytesIO()
    Image.effect_noise((width, height), 90).convert("RGB").save(out, "JPEG", **options)
    return out.getvalue()


def promising(width: int, height: int) -> bytes:
    """A JPEG of a few pixels that says it has many."""
    content = bytearray(jpeg(16, 16))
    at = content.index(b"\xff\xc0") + 5
    content[at : at + 4] = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "media_type", "code"),
    [
        (pdf(), PDF, None),
        (pdf(weight=300_000), PDF, None),
        (b"\n" * 200 + pdf(), PDF, None),
        (pdf() + b"\n" * 2000, PDF, None),
        (encrypted(""), PDF, None),  # opens without a password; what it forbids is printing
        (encrypted("geheim"), PDF, "file_encrypted"),
        (pdf(weight=100_000)[:50_000], PDF, "file_broken"),
        (pdf().replace(b"/Kids [3 0 R]", b"/Kids [9 0 R]"), PDF, "file_broken"),
        (without_pages(), PDF, "file_broken"),
        (b"%PDF-1.4\nstartxref\n0\n%%EOF", PDF, "file_broken"),
        (b"%PDF-1.4\n" + bytes(range(256)) * 40, PDF, "file_broken"),
        (png(), PNG, None),
        (png(10_000, 10_000), PNG, None),
        (png(20_000, 20_000), PNG, "image_too_large"),
        (png(40_000, 2), PNG, "image_too_large"),
        (png()[:-30], PNG, "file_broken"),
        (png().replace(b"IDAT", b"IDAX"), PNG, "file_broken"),
        (b"\x89PNG\r\n\x1a\n" + bytes(64), PNG, "file_broken"),
        (jpeg(), JPEG, None),
        (jpeg(progressive=True), JPEG, None),
        (jpeg()[:3000], JPEG, "file_broken"),
        (promising(60_000, 60_000), JPEG, "image_too_large"),
        (b"\xff\xd8\xff" + bytes(100), JPEG, "file_broken"),
    ],
)
def test_what_is_found(content: bytes, media_type: str, code: str | None, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    fault = look_into(str(path), media_type)
    assert (fault.code if fault else None) == code
    assert fault is None or fault.message.endswith("。")


def test_another_format_under_the_same_name_is_not_opened(tmp_path: Path) -> None:
    """Of Pillow's many parsers only the one for the told type is asked."""
    path = tmp_path / "file"
    Image.new("RGB", (4, 4)).save(path, "BMP")
    assert look_into(str(path), PNG).code == "file_broken"  # type: ignore[union-attr]
