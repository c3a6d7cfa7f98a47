"""Artefacts of one video on their way between machines, through the object store.

A parcel is some files under the fingerprint that made them: `exchange/<video id>/<fingerprint>/`. Its record, published last,
names each file with its size and digest; without it there is nothing, so that half an upload is no parcel. The same parcel
sent twice is the same bytes: whoever is interrupted sends again, whoever finds it there has nothing to do.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.errors import IntegrityError, TransientError
from tasks.storage.artefact import digest_file
from tasks.storage.objects import ObjectStore

EXCHANGE = "exchange/"
RECORD = "parcel.json"
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,200}")


@dataclass(frozen=True)
class Parcel:
    """Some files of one video. fingerprint: hex digits of what made them; equal for equal bytes only."""

    video_id: str
    fingerprint: str

    @property
    def prefix(self) -> str:
        return f"{EXCHANGE}{self.video_id}/{self.fingerprint}/"


def send(store: ObjectStore, parcel: Parcel, files: Mapping[str, Path], said: Mapping[str, Any] | None = None) -> None:
    """Publish files by name, the record last; does nothing when the parcel is there.

    said: small facts that travel with it.
    Raises TransientError and InputError as the store does.
    """
    if is_published(store, parcel):
        return
    facts = {}
    for name, path in sorted(files.items()):
        facts[name] = {"bytes": path.stat().st_size, "blake2b": digest_file(path)}
        store.put_file(path, parcel.prefix + name)
    record = {"files": facts, "said": dict(said or {})}
    store.put_bytes(json.dumps(record, sort_keys=True).encode(), parcel.prefix + RECORD)


def is_published(store: ObjectStore, parcel: Parcel) -> bool:
    """True when the whole parcel is on the store."""
    return store.size(parcel.prefix + RECORD) is not None


def receive(store: ObjectStore, parcel: Parcel, folder: Path) -> dict[str, Any]:
    """Bring the files of a parcel into `folder`, each whole and checked, under their names; returns what was said with it.

    Raises TransientError when the parcel is not there or arrives damaged; a damaged one is withdrawn, to be made again.
    """
    record = store.get_bytes(parcel.prefix + RECORD)
    if record is None:
        raise TransientError(f"{parcel.prefix}: not on the store", "run again")
    try:
        said = json.loads(record)
        for name, facts in said["files"].items():
            if not NAME.fullmatch(name):
                raise IntegrityError(f"{name!r}: no name of ours", "run again")
            _receive_file(store, parcel.prefix + name, folder / name, facts)
        return dict(said["said"])
    except (IntegrityError, ValueError, KeyError, TypeError, AttributeError) as error:
        withdraw(store, parcel)
        raise TransientError(f"{parcel.prefix}: damaged on the store ({error})", "run again: it is made anew") from error


def _receive_file(store: ObjectStore, key: str, final: Path, facts: Mapping[str, Any]) -> None:
    if not (final.is_file() and final.stat().st_size == facts["bytes"] and digest_file(final) == facts["blake2b"]):
        store.get_file(key, final, digest=f"blake2b:{facts['blake2b']}")


def withdraw(store: ObjectStore, parcel: Parcel) -> None:
    """Take a parcel from the store, its record first: what is left of it is nothing."""
    store.delete(parcel.prefix + RECORD)
    for key, _ in list(store.keys(parcel.prefix)):
        store.delete(key)


def parcels(store: ObjectStore, video_id: str = "") -> list[Parcel]:
    """What lies on the exchange of one video, or of all; also what is half there."""
    keys = store.keys(f"{EXCHANGE}{video_id}/" if video_id else EXCHANGE)
    places = {tuple(key.split("/")[1:3]) for key, _ in keys if key.count("/") == 3}
    return [Parcel(*place) for place in sorted(places)]
