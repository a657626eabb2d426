"""Show files as the public HTTP contract does."""

from pydantic import BaseModel


class FilePages(BaseModel):
    """How many pages an attachment has; each can be had as a picture."""

    pages: int
