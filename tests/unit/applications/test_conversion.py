"""Photographs become what a slot takes: upright, without metadata, as a JPEG or a page; and several files one PDF."""

from pathlib import Path

import pypdfium2
import pytest
from PIL import Image

from deploy.demo.files import pdf, png
from services.applications.attachments.conversion import converted, joined
from services.applications.attachments.uploads import Place, Received, wanted
from services.applications.forms.definition import Slot

SCRIPT = "<script>alert(1)</script>"


def photograph(path: Path, kind: str, *, turned: int = 6) -> Path:
    """A red left and a blue right half as the sensor saw them, to be turned by what stands beside it; with remarks of a camera."""
    import pillow_heif

    image = Image.new("RGB", (120, 80), "red")
    image.paste("blue", (60, 0, 120, 80))
    exif = image.getexif()
    exif[0x0112], exif[0x010E] = turned, SCRIPT
    if kind == "JPEG":
        image.save(path, kind, exif=exif, quality=90)
        return path
    del exif[0x0112]
    held = pillow_heif.from_pillow(image)
    exif[0x0112] = turned  # as telephones do: beside the picture and in its container, to be turned once
    held.info["exif"] = exif.tobytes()
    held.save(path, format="HEIF")
    return path


def colours(image: Image.Image) -> tuple[str, str]:
    """What is seen at the top and at the bottom."""
    found = []
    for at in ((image.width // 2, image.height // 4), (image.width // 2, 3 * image.height // 4)):
        red, _, blue = image.convert("RGB").getpixel(at)  # type: ignore[misc]
        found.append("red" if red > blue else "blue")
    return found[0], found[1]


@pytest.mark.parametrize("kind", ["HEIF", "JPEG"])
def test_a_photograph_is_turned_upright_and_tells_nothing_else(tmp_path: Path, kind: str) -> None:
    source = photograph(tmp_path / "in", kind)
    assert SCRIPT.encode() in source.read_bytes()
    assert converted(str(source), str(tmp_path / "out.jpg"), "jpg") is None
    with Image.open(tmp_path / "out.jpg", formats=["JPEG"]) as made:
        assert (made.size, colours(made), dict(made.getexif())) == ((80, 120), ("red", "blue"), {})
    assert converted(str(source), str(tmp_path / "out.pdf"), "pdf") is None
    with pypdfium2.PdfDocument(tmp_path / "out.pdf") as made_pdf:
        width, height = made_pdf[0].get_size()
        page = made_pdf[0].render(scale=1).to_pil()
    assert (round(width), round(height)) == (595, 842)
    middle = page.crop((277, 391, 317, 451))
    assert colours(middle) == ("red", "blue")
    for out in ("out.jpg", "out.pdf"):
        assert b"script" not in (tmp_path / out).read_bytes()


def test_what_is_no_picture_or_too_large_a_one_is_told(tmp_path: Path) -> None:
    whole = photograph(tmp_path / "whole", "HEIF").read_bytes()
    codes = []
    for content in (
        whole[: len(whole) // 2],
        b"\0\0\0\x18ftypheic" + b"x" * 200,
        png(20_000, 20_000),
        b"%PDF-1.7",
    ):
        (tmp_path / "in").write_bytes(content)
        fault = converted(str(tmp_path / "in"), str(tmp_path / "out"), "pdf")
        codes.append(fault.code if fault else "")
    assert codes == ["file_broken", "file_broken", "image_too_large", "file_broken"]


def test_files_are_joined_in_their_order(tmp_path: Path) -> None:
    first = photograph(tmp_path / "1", "JPEG", turned=1)  # lies across
    second = photograph(tmp_path / "2", "HEIF")
    (tmp_path / "3").write_bytes(pdf())
    sources = [(str(first), "image/jpeg"), (str(tmp_path / "3"), "application/pdf"), (str(second), "image/jpeg")]
    assert joined(sources, str(tmp_path / "out.pdf")) is None
    with pypdfium2.PdfDocument(tmp_path / "out.pdf") as made:
        across = [made[n].get_size() for n in range(len(made))]
    assert [width > height for width, height in across] == [True, False, False]
    (tmp_path / "3").write_bytes(b"%PDF-1.7 no")
    fault = joined(sources, str(tmp_path / "out.pdf"))
    assert fault is not None
    assert fault.code == "file_broken"


HEIC, JPEG, PNG = b"\0\0\0\x18ftypheic", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize(
    ("accept", "name", "head", "kind"),
    [
        (("pdf", "jpg", "jpeg", "png"), "a.heic", HEIC, "jpg"),
        # A telephone that was told to say JPG.
        (("pdf", "jpg", "jpeg", "png"), "a.JPG", HEIC, "jpg"),
        (("pdf", "jpg", "jpeg", "png"), "a.jpg", JPEG, None),
        (("pdf",), "a.heic", HEIC, "pdf"),
        (("pdf",), "a.jpg", JPEG, "pdf"),
        (("pdf",), "a.png", PNG, "pdf"),
        (("pdf", "png"), "a.png", PNG, None),
        (("png",), "a.heic", HEIC, None),
        (("pdf",), "a.exe", JPEG, None),
        (("pdf",), "a.pdf", b"%PDF-", None),
    ],
)
def test_a_slot_says_what_a_picture_is_made(
    accept: tuple[str, ...], name: str, head: bytes, kind: str | None
) -> None:
    slot = Slot.model_validate({"key": "s", "label": "附件", "accept": accept})
    assert wanted(Received(Path("x"), name, 9, "", head), Place("a", slot)) == kind
