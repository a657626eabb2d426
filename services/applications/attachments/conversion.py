"""Turn photographs of telephones into what a slot takes: upright, a JPEG or an A4 page of a PDF; and join several files into one PDF.

It runs in the processes that look into files. What is made carries no metadata: not where a picture was taken, nor what anybody wrote there.
"""

import io
import re
import warnings
from typing import TYPE_CHECKING, Any

from services.applications.attachments.fault import Fault
from services.applications.attachments.inspection import (
    BROKEN_IMAGE,
    BROKEN_PDF,
    MAX_PAGES,
    MAX_PIXELS,
    MAX_SIDE,
)
from shared import codes

if TYPE_CHECKING:
    from PIL import Image

# HEIF containers, by their first bytes: what telephones of Apple and others write.
HEIC = re.compile(rb".{4}ftyp(heic|heix|heim|heis|hevc|hevx|mif1|msf1)", re.DOTALL)
# A4 at 200 dpi: a stamp and small print stay legible, and a page weighs half a megabyte.
_DPI = 200
_A4 = (1654, 2339)
_QUALITY = 85
TOO_MANY_PIXELS = Fault(codes.IMAGE_TOO_LARGE, "图片尺寸超过 1.2 亿像素的上限，请缩小后上传。")
TOO_LONG = Fault(codes.TOO_MANY_PAGES, f"合并后超过 {MAX_PAGES} 页，请分成几个文件。")


class _Refused(Exception):
    def __init__(self, fault: Fault) -> None:
        self.fault = fault


def converted(path: str, target: str, kind: str) -> Fault | None:
    """Write the picture at `path` to `target`, upright, as `jpg` or `pdf`; return why it cannot be, or None."""
    try:
        picture = _upright(path, fit=kind == "pdf")
        if kind == "pdf":
            _page(picture).save(target, "PDF", resolution=_DPI, quality=_QUALITY)
        else:
            picture.save(target, "JPEG", quality=_QUALITY + 5)
    except _Refused as refused:
        return refused.fault
    except (OSError, SyntaxError, ValueError, MemoryError, EOFError):
        return BROKEN_IMAGE
    return None


def joined(sources: list[tuple[str, str]], target: str) -> Fault | None:
    """Write files, each with its type, to one PDF in this order; return why they cannot be, or None."""
    import pypdfium2

    try:
        with pypdfium2.PdfDocument.new() as whole:
            for path, media_type in sources:
                source: Any = path
                if media_type != "application/pdf":
                    made = io.BytesIO()
                    _page(_upright(path, fit=True)).save(made, "PDF", resolution=_DPI, quality=_QUALITY)
                    source = made.getvalue()
                with pypdfium2.PdfDocument(source) as part:
                    whole.import_pages(part)
                if len(whole) > MAX_PAGES:
                    return TOO_LONG
            whole.save(target)
    except _Refused as refused:
        return refused.fault
    except pypdfium2.PdfiumError:
        return BROKEN_PDF
    except (OSError, SyntaxError, ValueError, MemoryError, EOFError):
        return BROKEN_IMAGE
    return None


def _upright(path: str, *, fit: bool) -> "Image.Image":
    """Return a picture as people hold it, small enough for a page where it has to `fit` one. Nothing is decoded before its dimensions are
    known."""
    from pi_heif import register_heif_opener
    from PIL import Image, ImageFile, ImageOps

    register_heif_opener(thumbnails=False)
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    Image.MAX_IMAGE_PIXELS = None
    with warnings.catch_warnings(action="ignore"), Image.open(path, formats=("JPEG", "PNG", "HEIF")) as image:
        width, height = image.size
        if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
            raise _Refused(TOO_MANY_PIXELS)
        if fit:
            image.draft("RGB", (max(_A4), max(_A4)))
        turned = ImageOps.exif_transpose(image)
        if fit:
            turned.thumbnail((max(_A4), max(_A4)))
        if turned.mode in ("RGBA", "LA", "P", "PA"):
            # What is transparent is white on paper.
            clear = turned.convert("RGBA")
            turned = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
        found = turned.convert("RGB")
    # Neither place nor remarks of the camera.
    found.info.clear()
    return found


def _page(picture: "Image.Image") -> "Image.Image":
    """Return a picture in the middle of an A4 page, which lies across where the picture does."""
    from PIL import Image

    size = _A4 if picture.height >= picture.width else _A4[::-1]
    picture.thumbnail(size)
    page = Image.new("RGB", size, "white")
    page.paste(picture, ((size[0] - picture.width) // 2, (size[1] - picture.height) // 2))
    return page
