"""Write a ZIP as a stream, with a manifest of all that is in it: nothing is held whole in memory."""

import hashlib
import io
import json
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.hashes import SM3, Hash

from shared import clock

Write = Callable[[bytes], Awaitable[None]]
MANIFEST, CHECK, README = "manifest.json", "check.py", "README.txt"
# From here on a file's header has room for sizes of 64 bits; the whole ZIP has by itself.
LARGE = 2**30


@dataclass(frozen=True)
class Entry:
    """A file of the ZIP."""

    path: str
    size: int
    sha256: str
    sm3: str


class _Sink(io.RawIOBase):
    """Takes what the ZIP's writer writes, and says where it is; it cannot go back."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._pieces.append(bytes(data))
        return len(self._pieces[-1])

    def take(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


class Archive:
    """A ZIP that goes out piece by piece. Until `close` has ended it is none: it has no directory."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._sink = _Sink()
        self._zip = zipfile.ZipFile(self._sink, "w", allowZip64=True)
        self._sha256 = hashlib.sha256()
        self.size = 0
        self.entries: list[Entry] = []
        self.missing: list[dict[str, str]] = []

    @property
    def sha256(self) -> str:
        """Of all that has gone out."""
        return self._sha256.hexdigest()

    async def add(self, path: str, pieces: AsyncIterator[bytes], size: int) -> None:
        """Add a file whose bytes come in pieces; `size`: what it is expected to have. What is packed already is not packed again."""
        info = zipfile.ZipInfo(path, clock.now().astimezone(clock.SHANGHAI).timetuple()[:6])
        info.compress_type = (
            zipfile.ZIP_DEFLATED if path.endswith((".csv", ".txt", ".json", ".py")) else zipfile.ZIP_STORED
        )
        info.external_attr = 0o644 << 16
        sha256, sm3, length = hashlib.sha256(), Hash(SM3()), 0
        with self._zip.open(info, "w", force_zip64=size >= LARGE) as out:
            async for piece in pieces:
                sha256.update(piece)
                sm3.update(piece)
                length += len(piece)
                out.write(piece)
                await self._flush()
        await self._flush()
        self.entries.append(Entry(path, length, sha256.hexdigest(), sm3.finalize().hex()))

    async def text(self, path: str, content: bytes) -> None:
        """Add a small file."""

        async def once() -> AsyncIterator[bytes]:
            yield content

        await self.add(path, once(), len(content))

    def lacks(self, path: str, reason: str) -> None:
        """Note what should be there and is not."""
        self.missing.append({"path": path, "reason": reason})

    async def close(self, about: dict[str, str]) -> None:
        """Add the manifest and the script that checks it, and end the ZIP."""
        await self.text(README, README_TEXT.encode())
        await self.text(CHECK, Path(__file__).with_name("check.py").read_bytes())
        manifest = {**about, "files": [asdict(entry) for entry in self.entries], "missing": self.missing}
        await self.text(MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1).encode())
        self._zip.close()
        await self._flush()

    async def _flush(self) -> None:
        if piece := self._sink.take():
            self._sha256.update(piece)
            self.size += len(piece)
            await self._write(piece)


README_TEXT = """本压缩包为工美资金管理系统导出的卷宗，每个申请一个文件夹：
  1 申报书      各次提交的申报书 PDF
  2 附件        各次提交所附的原件，按材料和附件名称分列
  3 退回意见.csv、5 通知.csv、6 审计记录.csv
  4 公文        发给申报单位的公文 PDF
  7 工作文件    现场核查记录、会议纪要等（设为限定查看的除外）
manifest.json 列有每个文件的大小、SHA-256 和 SM3；missing 为应有而未能收入的文件及原因。
核对：安装有 Python 3.8 以上版本的计算机上，在解压后的文件夹运行 python check.py，
或不解压直接运行 python check.py 卷宗.zip。不需要网络，也不需要本系统。
"""
