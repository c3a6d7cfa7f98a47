"""Where artefacts live beside this machine: an S3 bucket, or a folder. Keys are relative to the address."""

import fcntl
import hashlib
import os
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from tasks.errors import InputError, IntegrityError, TransientError
from tasks.storage.atomic import STAGING_PREFIX, staged_file, write_whole

PIECE_BYTES = 1 << 20
BUCKET = re.compile(r"(?!\d+\.\d+\.\d+\.\d+$)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")  # Amazon's rules
PREFIX_PART = re.compile(r"[A-Za-z0-9_=-][A-Za-z0-9._=-]*")
PROFILE = re.compile(r"[A-Za-z0-9._@+-]*")
REGION = re.compile(r"[a-z0-9-]*")
HASHES: dict[str, Callable[[], Any]] = {
    "md5": lambda: hashlib.md5(usedforsecurity=False),  # what DVC names objects by
    "blake2b": lambda: hashlib.blake2b(digest_size=16),  # what our own records hold
}


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

    @property
    def is_s3(self) -> bool:
        return self.url.startswith("s3://")

    @property
    def bucket(self) -> str:
        return self.url.removeprefix("s3://").partition("/")[0]

    @property
    def prefix(self) -> str:
        """What comes before every key in the bucket: empty, or with a slash at its end."""
        inner = self.url.removeprefix("s3://").partition("/")[2].strip("/")
        return f"{inner}/" if inner else ""


class ObjectStore(Protocol):
    """What a store does. Every method raises TransientError when the store does not answer, InputError when it refuses us."""

    @property
    def address(self) -> StoreAddress:
        """Where it is."""

    def put_file(self, path: Path, key: str) -> None:
        """Store a file, whole or not at all."""

    def put_bytes(self, data: bytes, key: str, *, only_new: bool = False) -> bool:
        """Store bytes. only_new: leave an object that is there. Returns whether it was written."""

    def swap_bytes(self, data: bytes, key: str, expected: bytes | None) -> bool:
        """Store bytes in place of `expected`, None for no object; False, and nothing changed, when another's lie there."""

    def get_file(self, key: str, path: Path, *, digest: str = "") -> None:
        """Fetch an object to `path`, whole or not at all.

        digest: what its bytes must hash to, as `md5:<hex>` or `blake2b:<32 hex>`.
        Raises IntegrityError when it is not there, or other than `digest`.
        """

    def get_bytes(self, key: str) -> bytes | None:
        """A small object, None when it is not there."""

    def read(self, key: str) -> Iterator[bytes]:
        """The bytes of an object in pieces. Raises IntegrityError when it is not there."""

    def size(self, key: str) -> int | None:
        """Bytes of an object, None when it is not there."""

    def keys(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """(key, bytes) of every object whose key begins so, in order of keys."""

    def delete(self, key: str) -> None:
        """Remove an object; nothing happens when it is not there."""

    def prepare(self, *, create: bool) -> bool:
        """Check that the bucket or folder is there. create: make it when it is not. Returns whether it was made."""


def open_store(address: StoreAddress) -> ObjectStore:
    """The store at an address; no request is made yet. Raises InputError for an address that cannot be one."""
    check_address(address)
    if address.is_s3:
        from tasks.storage.s3 import S3Store  # boto3 takes half a second to import

        return S3Store(address)
    return FolderStore(address)


def check_address(address: StoreAddress) -> None:
    """Raises InputError, in one line and without showing credentials, for what cannot be the address of a store."""
    if not address.is_s3:
        if "://" in address.url or not Path(address.url).is_absolute():
            raise InputError(f"not a store: {masked(address.url)}", "give s3://bucket/prefix or the path of a folder")
        if address.endpoint or address.profile or address.region:
            raise InputError(f"{address.url} is a folder", "endpoint, profile and region belong to s3:// addresses")
        return
    if "@" in address.url:
        raise InputError(f"credentials in {masked(address.url)}", "take them out; they come from the environment or a profile")
    if not BUCKET.fullmatch(address.bucket):
        raise InputError(f"bucket name {address.bucket[:80]!r} is not valid",
                         "use 3-63 lower-case letters, digits, dots and hyphens, as s3://bucket/prefix")
    parts = address.prefix.rstrip("/").split("/") if address.prefix else []
    if not all(PREFIX_PART.fullmatch(part) for part in parts):
        raise InputError(f"prefix {address.prefix[:80]!r} is not valid", "use letters, digits and . _ = - between single slashes")
    if address.endpoint:
        _check_endpoint(address.endpoint)
    for name, value, form in (("profile", address.profile, PROFILE), ("region", address.region, REGION)):
        if not form.fullmatch(value):
            raise InputError(f"{name} {value[:80]!r} is not valid", "use its name as your AWS configuration has it")


def _check_endpoint(endpoint: str) -> None:
    try:
        parts = urlsplit(endpoint)
        valid = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if "@" in endpoint:
        raise InputError(f"credentials in {masked(endpoint)}", "take them out; they come from the environment or a profile")
    if not valid or parts.path.strip("/") or parts.query or parts.fragment or re.search(r"[\s\x00-\x1f]", endpoint):
        raise InputError(f"endpoint {masked(endpoint)!r} is not valid", "write it as http://host:port or https://host")


def masked(url: str) -> str:
    """An address as it may be shown: credentials hidden, one line, shortened."""
    hidden = re.sub(r"(?<=://).*@", "***@", url, flags=re.DOTALL)
    return "".join(c if c.isprintable() else "?" for c in hidden[:200])


def checked_key(key: str) -> str:
    """The key itself. Raises InputError for one that would leave the address: keys are read from manifests too."""
    if not key or any(part in ("", ".", "..") for part in key.split("/")) or "\\" in key or not key.isprintable():
        raise InputError(f"{key[:80]!r} is not the key of an object", "restore the file that names it")
    return key


def save_pieces(pieces: Iterator[bytes], path: Path, digest: str, name: str) -> None:
    """Write what is read to `path`, whole or not at all; see ObjectStore.get_file for `digest`."""
    kind, _, wanted = digest.partition(":")
    hasher = HASHES[kind]() if digest else None
    with staged_file(path) as staging:
        with staging.open("wb") as file:
            for piece in pieces:
                file.write(piece)
                if hasher:
                    hasher.update(piece)
        if hasher and hasher.hexdigest() != wanted:
            raise IntegrityError(f"{name}: altered, its {kind} is not {wanted}", "run `framewords verify --repair`")


class FolderStore:
    """A folder of this machine, or of a disk that it shares."""

    def __init__(self, address: StoreAddress) -> None:
        self.address = address
        self._root = Path(address.url)

    def put_file(self, path: Path, key: str) -> None:
        with self._explained(), path.open("rb") as file:
            save_pieces(iter(lambda: file.read(PIECE_BYTES), b""), self._path(key), "", key)

    def put_bytes(self, data: bytes, key: str, *, only_new: bool = False) -> bool:
        path = self._path(key)
        with self._explained():
            if not only_new:
                write_whole(path, data)
                return True
            staging = path.with_name(f"{STAGING_PREFIX}{uuid.uuid4().hex}")
            write_whole(staging, data)
            try:
                return _placed(staging, path)
            finally:
                staging.unlink(missing_ok=True)

    def swap_bytes(self, data: bytes, key: str, expected: bytes | None) -> bool:
        path = self._path(key)
        with self._explained():
            path.parent.mkdir(parents=True, exist_ok=True)
            folder = os.open(path.parent, os.O_RDONLY)  # locked itself, so that no lock file is left beside the object
            try:
                fcntl.flock(folder, fcntl.LOCK_EX)
                if self.get_bytes(key) != expected:
                    return False
                write_whole(path, data)
                return True
            finally:
                os.close(folder)

    def get_file(self, key: str, path: Path, *, digest: str = "") -> None:
        save_pieces(self.read(key), path, digest, str(self._path(key)))

    def get_bytes(self, key: str) -> bytes | None:
        with self._explained():
            path = self._path(key)
            return path.read_bytes() if path.is_file() else None

    def read(self, key: str) -> Iterator[bytes]:
        path = self._path(key)
        try:
            with self._explained(), path.open("rb") as file:
                while piece := file.read(PIECE_BYTES):
                    yield piece
        except FileNotFoundError as error:
            raise missing(str(path)) from error

    def size(self, key: str) -> int | None:
        with self._explained():
            path = self._path(key)
            return path.stat().st_size if path.is_file() else None

    def keys(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        with self._explained():
            inner = prefix.rpartition("/")[0]
            found = sorted(_files_below(str(self._root / inner), f"{inner}/" if inner else ""))
        yield from ((key, size) for key, size in found if key.startswith(prefix))

    def delete(self, key: str) -> None:
        with self._explained():
            self._path(key).unlink(missing_ok=True)

    def prepare(self, *, create: bool) -> bool:
        with self._explained():
            if self._root.is_dir():
                return False
            if self._root.exists():
                raise InputError(f"{self._root} is not a folder", "name another one")
            if not create:
                raise InputError(f"{self._root}: no such folder", "make it with --create, or name another one")
            self._root.mkdir(parents=True)
            return True

    def _path(self, key: str) -> Path:
        return self._root / checked_key(key)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except (PermissionError, NotADirectoryError, IsADirectoryError, FileExistsError) as error:
            where = error.filename or self._root
            raise InputError(f"{where}: {error.strerror}", "make it writable, or name another folder") from error
        except OSError as error:
            raise TransientError(f"{error.filename or self._root}: {error.strerror or error}",
                                 "free space or bring the disk back, then run again") from error


def _files_below(folder: str, key: str) -> Iterator[tuple[str, int]]:
    """(key, bytes) of every whole file below a folder, in no order. key: of the folder, with a slash behind it."""
    if not os.path.isdir(folder):  # noqa: PTH112 - pathlib is five times slower on many files
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _files_below(entry.path, f"{key}{entry.name}/")
            elif entry.is_file() and not entry.name.startswith(STAGING_PREFIX):
                yield key + entry.name, entry.stat().st_size


def missing(name: str) -> IntegrityError:
    """What is raised for an object that is not there."""
    return IntegrityError(f"{name}: missing", "run `framewords verify --repair`")


def _placed(staging: Path, path: Path) -> bool:
    """Give a file its name unless the name is taken: a link, unlike a rename, never replaces."""
    try:
        os.link(staging, path)
    except FileExistsError:
        return False
    except OSError:  # a disk without links
        if path.exists():
            return False
        staging.replace(path)
    return True
