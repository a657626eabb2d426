"""Define what can go wrong, in the words of the domain. One middleware (`shared.http.app`) speaks HTTP.

A subclass's docstring is its default message, in Chinese, for the person who sees it; `code` is stable and
for programs.
"""

import random
from typing import Any

from pydantic import BaseModel

from shared import codes

# What a text may hold that no page or paper can show; said in words for people, with its place in the text.
IN_TEXTS = frozenset({"control_character", "unprintable"})


class FieldError(BaseModel):
    """One mistake at one place of a form: section, field, and for tables the row's id and the column; `place` is the row in words."""

    section: str | None = None
    field: str | None = None
    row: str | None = None
    column: str | None = None
    place: str | None = None
    code: str
    message: str


class DomainError(Exception):
    """操作未能完成。"""

    code = codes.ERROR

    def __init__(self, detail: str | None = None, *, code: str | None = None, **extra: Any) -> None:
        self.detail = detail or (type(self).__doc__ or "").strip()
        self.code = code or type(self).code
        self.extra = extra
        super().__init__(f"{self.code}: {self.detail}")


class Malformed(DomainError):
    """请求内容无法识别。"""

    code = codes.MALFORMED


class NotSignedIn(DomainError):
    """请先登录。"""

    code = codes.NOT_SIGNED_IN


class NotAllowed(DomainError):
    """您没有执行此操作的权限。"""

    code = codes.NOT_ALLOWED


class NotYourDuty(NotAllowed):
    """您在本单位没有此项权限。"""

    code = codes.NOT_YOUR_DUTY


class NotFound(DomainError):
    """未找到您要访问的内容。"""

    code = codes.NOT_FOUND


class Conflict(DomainError):
    """当前状态不允许此操作，请刷新后重试。"""

    code = codes.CONFLICT


class Stale(DomainError):
    """内容已在别处被修改，请核对后重试。"""

    code = codes.STALE


class TooLarge(DomainError):
    """提交的内容过大。"""

    code = codes.TOO_LARGE


class TooSlow(DomainError):
    """网络传输过慢，内容没有收完，请重试。"""

    code = codes.TOO_SLOW


class UnsupportedMedia(DomainError):
    """不支持的内容类型。"""

    code = codes.UNSUPPORTED_MEDIA


class Invalid(DomainError):
    """填写内容有误，请按提示修改。"""

    code = codes.INVALID

    def __init__(
        self, errors: list[FieldError], detail: str | None = None, *, code: str | None = None, **extra: Any
    ) -> None:
        super().__init__(detail, code=code, errors=[e.model_dump() for e in errors], **extra)
        self.errors = errors


class PreconditionMissing(DomainError):
    """缺少 If-Match，请刷新页面后重试。"""

    code = codes.IF_MATCH_REQUIRED


class TooMany(DomainError):
    """操作过于频繁，请稍后再试。"""

    code = codes.TOO_MANY

    def __init__(self, detail: str | None = None, *, retry_after: int = 5, code: str | None = None) -> None:
        super().__init__(detail, code=code)
        self.retry_after = retry_after


class Unavailable(DomainError):
    """系统繁忙，请稍后再试。"""

    code = codes.UNAVAILABLE

    def __init__(
        self, detail: str | None = None, *, retry_after: int | None = None, code: str | None = None
    ) -> None:
        super().__init__(detail, code=code)
        # By chance, so that those who were sent away together do not come back together.
        self.retry_after = retry_after or random.randint(2, 8)  # noqa: S311


class Overloaded(Unavailable):
    """现在办理的人较多，请稍候，系统会自动重试。"""

    code = codes.BUSY


class UpstreamFailed(Unavailable):
    """对方处理这一请求时出错。"""

    code = codes.STUMBLED


class InternalError(DomainError):
    """系统内部错误，本次操作没有完成。请稍后再试；如仍不成功，请联系技术咨询。"""

    # A mistake of ours: the log has it under the request's id, and a program that tries again gets the same.
    code = codes.INTERNAL


class JobEnded(DomainError):
    """该任务已经结束。"""

    code = codes.GONE
