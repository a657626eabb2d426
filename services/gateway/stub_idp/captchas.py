"""Draw a captcha as a picture, and speak it for those who cannot see it."""

import asyncio
from functools import cache

from aiohttp import web
from captcha.audio import AudioCaptcha
from captcha.image import ImageCaptcha

from services.gateway.stub_idp.browsers import captcha_text


@cache
def _makers() -> tuple[ImageCaptcha, AudioCaptcha]:
    return ImageCaptcha(width=160, height=60), AudioCaptcha()


async def picture(request: web.Request) -> web.Response:
    """The captcha's digits, drawn."""
    text = await captcha_text(request, request.match_info["id"])
    made = await asyncio.to_thread(lambda: _makers()[0].generate(text, "png").read())
    return web.Response(body=made, content_type="image/png")


async def sound(request: web.Request) -> web.Response:
    """The captcha's digits, spoken."""
    text = await captcha_text(request, request.match_info["id"])
    made = await asyncio.to_thread(lambda: bytes(_makers()[1].generate(text)))
    return web.Response(body=made, content_type="audio/wav")
