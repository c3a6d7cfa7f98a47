"""Is anything left of a forgotten video? Looked for in every file of the project, in DVC's cache and on the store."""

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.removal.objects import find_objects, places
from tasks.removal.traces import Traces
from tasks.storage.layout import DataFolder
from tasks.storage.objects import ObjectStore
from tasks.storage.project import Project

MAX_READ_BYTES = 64 << 20  # larger files that are no Parquet are searched by their names only


@dataclass(frozen=True)
class Searched:
    """What was looked at after a removal. files, objects: how many. left: where something of the videos still is."""

    files: int
    objects: int
    left: tuple[str, ...]


def search(
    project: Project, data: DataFolder, video_ids: Collection[str], texts: Collection[str], *, store: ObjectStore | None,
) -> Searched:
    """Look for the videos in every file below the project and every object of DVC's cache and the store.

    texts: titles and addresses. All are searched by name; Parquet by record and columns of ids, other files byte for byte. By
    name alone: media and labels of other videos, and models, whose cards name what they saw on purpose. For texts alone: the
    list, the tombstones and the ledger, which keep ids so that no video comes back, and DVC's notes of paths and hashes. Git's
    history is not searched.
    """
    around = places(project, store)
    folders = [place.store.address.url for place in around if not place.store.address.is_s3]
    everything, texts_only = Traces(video_ids, texts), Traces((), texts)
    by_name = tuple(f"{folder}/" for folder in (data.root / "media", data.labels_root, data.root / "models"))
    keep_ids = tuple(map(str, (data.catalogue, data.forgotten, data.ledger, project.settings.parent / "tmp")))
    files, left = 0, []
    for path in _walk(str(project.root), [str(project.root / ".git"), *folders]):
        files += 1
        name = path.removeprefix(f"{project.root}/")
        traces = texts_only if path.startswith(keep_ids) else everything
        if everything.in_bytes(os.fsencode(name)) or (not path.startswith(by_name) and _speaks(Path(path), traces)):
            left.append(name)
    found = find_objects(around, video_ids)
    left += [f"{doomed.place.name}: {key}" for doomed in found.doomed for key in (*doomed.keys, *doomed.versions)]
    return Searched(files, found.searched, tuple(left))


def _walk(root: str, leave_out: Collection[str]) -> Iterator[str]:
    """The path of every file below a folder, in order; some folders left out, and Python's virtual environments."""
    for folder, folders, files in os.walk(root):
        if "pyvenv.cfg" in files:
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if f"{folder}/{name}" not in leave_out)
        yield from (f"{folder}/{name}" for name in sorted(files))


def _speaks(path: Path, traces: Traces) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    if path.stat().st_size > MAX_READ_BYTES and path.suffix != ".parquet":
        return False
    return traces.in_file(path)
