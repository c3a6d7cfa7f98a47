"""Videos in a bucket: listed by key, fetched once to be known by their bytes, as files are."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tasks.discovery.arguments import MEDIA_EXTENSIONS
from tasks.discovery.entries import Entry, name_key
from tasks.discovery.sites import Described, described
from tasks.errors import IntegrityError, UnusableVideoError
from tasks.network.text import shown
from tasks.params import SourceParams
from tasks.schema import Video
from tasks.storage.artefact import digest_file
from tasks.storage.info import MAX_INFO_BYTES, parse_info
from tasks.storage.objects import ObjectStore, StoreAddress
from tasks.storage.sniff import media_format

KEYS_A_REQUEST = 1_000  # of a bucket, as they are listed


def store_address(source: SourceParams) -> StoreAddress:
    """Where the bucket of a source is."""
    return StoreAddress(source.url.rstrip("/"), source.endpoint, source.profile, source.region)


def bucket_entries(store: ObjectStore, source: SourceParams) -> Iterator[Entry]:
    """The media objects below a prefix, in order of their keys; of another size, one is another entry."""
    for key, size in store.keys(""):
        name = key.rpartition("/")[2]
        if name.lower().endswith(MEDIA_EXTENSIONS) and not name.startswith("."):
            yield Entry(object_url(source, key), version=str(size))


def object_url(source: SourceParams, key: str) -> str:
    return f"{source.url.rstrip('/')}/{key}"


def describe_object(store: ObjectStore, source: SourceParams, url: str, inbox: Path | None) -> Described:
    """An object as a video: its id is that of its bytes, its address stays the bucket's.

    inbox: where it is put, so that it is fetched once; None: nothing is fetched, and it gets an id of another kind, since its
    own is not known.
    Raises TransientError when the store does not answer; UnusableVideoError when the object is gone or no video.
    """
    key = _key(source, url)
    name = f"object_{name_key(url)}"
    if inbox is not None:
        arriving = inbox / f"arriving{Path(key).suffix.lower()}"
        try:
            store.get_file(key, arriving)
            media_format(arriving)
            name = f"file_{digest_file(arriving)[:16]}"
            arriving.replace(_place(inbox, name, key))
        except IntegrityError as error:
            raise _missing(url) from error
        finally:
            arriving.unlink(missing_ok=True)
    info = _info(store, f"{key.removesuffix(Path(key).suffix)}.info.json")
    info.setdefault("title", Path(key).stem.replace("_", " "))
    return Described(Video(id=name, url=url, source=source.name, **described(info)), info)


def fetch_object(video: Video, source: SourceParams, inbox: Path, store: Callable[[StoreAddress], ObjectStore]) -> Path:
    """The local file of a video from a bucket, checked to be the one that was listed; fetched unless it is there already.

    The caller downloads it as the file it is, `replace(video, url=str(path))`, and may remove it afterwards.
    Raises TransientError, and UnusableVideoError `missing` or `changed`.
    """
    path = _place(inbox, video.id, video.url)
    if not path.is_file():
        try:
            store(store_address(source)).get_file(_key(source, video.url), path)
        except IntegrityError as error:
            raise _missing(video.url) from error
    if not video.id.endswith(digest_file(path)[:16]):
        path.unlink()
        raise UnusableVideoError(f"changed since it was listed: {shown(video.url)}", "list it again", "changed")
    return path


def _key(source: SourceParams, url: str) -> str:
    return url.removeprefix(source.url.rstrip("/")).lstrip("/")


def _place(inbox: Path, name: str, key: str) -> Path:
    """Where an object lies in the inbox: by its id, never by its key."""
    return inbox / f"{name}{Path(key).suffix.lower()}"


def _missing(url: str) -> UnusableVideoError:
    return UnusableVideoError(f"no such object: {shown(url)}", "put it back or drop it", "missing")


def _info(store: ObjectStore, key: str) -> dict[str, Any]:
    """The info.json beside an object, if there is one to read."""
    size = store.size(key)
    content = store.get_bytes(key) if size is not None and size <= MAX_INFO_BYTES else None
    return (parse_info(content) if content else None) or {}
