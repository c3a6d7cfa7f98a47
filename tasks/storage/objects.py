"""Where artefacts live beside this machine: an S3 bucket, or a folder. Keys are relative to the address."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class StoreAddress:
    """Where a store is; never a secret: credentials come from the environment or a profile.

    url: `s3://bucket/prefix`, or the absolute path of a folder.
    endpoint: of an S3 server that is not Amazon's, as `http://127.0.0.1:9000`; empty otherwise.
    """

    url: str
    endpoint: str = ""
    profile: str = ""
    region: str = ""


class ObjectStore(Protocol):
    """What a store does. Every method raises TransientError when the store does not answer, InputError when it refuses us."""

    def put_file(self, path: Path, key: str) -> None:
        """Store a file, whole or not at all."""

    def put_bytes(self, data: bytes, key: str, *, only_new: bool = False) -> bool:
        """Store bytes. only_new: leave an object that is there. Returns whether it was written."""

    def get_file(self, key: str, path: Path) -> None:
        """Fetch an object to `path`, whole or not at all. Raises IntegrityError when it is not there."""

    def get_bytes(self, key: str) -> bytes | None:
        """A small object, None when it is not there."""

    def size(self, key: str) -> int | None:
        """Bytes of an object, None when it is not there."""

    def keys(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """(key, bytes) of every object below a prefix, in order of keys."""

    def delete(self, key: str) -> None:
        """Remove an object; nothing happens when it is not there."""
