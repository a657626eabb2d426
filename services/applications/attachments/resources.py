"""Name the resources that attachments need of the running service."""

from aiohttp import web

from services.applications.attachments.clamd import Clamd
from services.applications.attachments.inspection import Inspector
from services.applications.attachments.page_images import Pictures

INSPECTOR = web.AppKey("inspector", Inspector)


PICTURES = web.AppKey("pictures", Pictures)


# None where no scanner is configured.
SCANNER: web.AppKey[Clamd | None] = web.AppKey("scanner", Clamd)
