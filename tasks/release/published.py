"""What was published of each version beside its objects: the manifest that readers of the store begin with, and the card."""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any

from tasks.dataset.card import CARD
from tasks.dataset.manifest import MANIFEST, file_entries, parse_manifest, sealed
from tasks.errors import IntegrityError
from tasks.release.copies import Shelves
from tasks.release.git import file_at, run_git
from tasks.release.versions import RELEASE, list_versions, published_key
from tasks.storage.objects import ObjectStore


@dataclass(frozen=True)
class PublishedFault:
    """A published file that is not as it was. whole: the bytes that it should have, None when nothing tells."""

    key: str
    problem: str
    whole: bytes | None


def published_faults(shelves: Shelves) -> Iterator[PublishedFault]:
    """The cards and manifests of all versions that are altered or missing. A withdrawn version needs none."""
    for tag in [version.tag for version in list_versions(shelves.project)]:
        there = shelves.ask(partial(_read, tag))
        if there is None:
            return  # the store does not answer
        if (there[CARD] or b"").startswith(f"# {tag}: withdrawn".encode()):
            continue
        whole = _wanted(shelves, tag)
        for name, found in there.items():
            wanted = whole.get(name)
            if found is None or (found != wanted if wanted is not None else name == MANIFEST and not _is_whole(found)):
                yield PublishedFault(published_key(tag, name), "missing" if found is None else "altered", wanted)


def _read(tag: str, store: ObjectStore) -> dict[str, bytes | None]:
    return {name: store.get_bytes(published_key(tag, name)) for name in (CARD, MANIFEST)}


def _is_whole(text: bytes) -> bool:
    """Byte for byte as it was sealed: a number may be written in two ways."""
    try:
        return sealed(parse_manifest(text, MANIFEST)) == text
    except IntegrityError:
        return False


def _wanted(shelves: Shelves, tag: str) -> dict[str, bytes]:
    """What a version's published files must be, made again of its dataset and its tag, where whole copies of both are found."""
    folder = shelves.project.data.dataset.relative_to(shelves.project.root).as_posix()
    lock = file_at(shelves.project.root, tag, shelves.project.lock.name) or b""
    files = next((shelves.files(output) for output in shelves.outputs(lock) if output.path == folder), None) or {}
    found = {name: shelves.content(files[f"{folder}/{name}"]) for name in (CARD, MANIFEST) if f"{folder}/{name}" in files}
    wanted = {name: content for name, content in found.items() if content is not None}
    if MANIFEST in wanted:
        published = _published(shelves, tag, wanted.pop(MANIFEST))
        wanted |= {MANIFEST: published} if published else {}
    return wanted


def _published(shelves: Shelves, tag: str, manifest: bytes) -> bytes | None:
    """The manifest as it was published; None for a tag of somebody else's, which does not say what of the release."""
    message = run_git(shelves.project.root, "for-each-ref", "--format=%(contents)", f"refs/tags/{tag}") or ""
    told = [line for line in message.splitlines() if line.startswith(f'{{"{RELEASE}"')]
    try:
        about = json.loads(told[0])[RELEASE]
        return published_manifest(parse_manifest(manifest, tag), about)
    except (IndexError, ValueError, KeyError, TypeError, AttributeError, IntegrityError):
        return None


def published_manifest(manifest: dict[str, Any], about: dict[str, Any]) -> bytes:
    """A dataset's manifest as it is published: with what is said of the release, and the full address of every object."""
    published = deepcopy(manifest) | {RELEASE: about}
    for entry in file_entries(published):
        entry["address"] = f"{about['store']['url'].rstrip('/')}/{entry['object']}"
    return sealed(published)
