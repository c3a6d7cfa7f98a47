"""A project with canaries in one of its videos, two released versions, and a way to look for the canaries everywhere.

Versions are laid down as DVC would (objects under their MD5, a `.dir` object an output, dvc.lock); tests/removal/test_dvc.py
checks with DVC itself.
"""

import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.dataset.build import build_dataset
from tasks.discovery.catalogue import append_videos, read_catalogue
from tasks.keywords.so_far import CorpusSoFar
from tasks.params import load_params
from tasks.removal.forget import ForgetReport, finish, forget
from tasks.schema import HEARD, Video
from tasks.storage.artefact import Fingerprint, read_record, read_table, write_table
from tasks.storage.layout import DataFolder
from tasks.storage.ledger import Ledger, Outcome
from tasks.storage.objects import FolderStore, ObjectStore, StoreAddress
from tasks.storage.project import Project
from tests.labels import make_labels, make_videos
from tests.storage.policies import POLICY

VIDEOS = ("site_0", "site_1", "site_12", "site_3", "site_4")
CANARY = "site_1"
WORD = "zyxcanaryword"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
OUTPUTS = ("media", "labels", "evidence", "dataset")
PARAMS = load_params(Path("params.yaml"))


@dataclass(frozen=True)
class World:
    """pixels: pieces of the canary's media and pictures. words: what it says and is called."""

    project: Project
    store: ObjectStore
    pixels: tuple[bytes, ...] = ()
    words: tuple[bytes, ...] = ()

    def forget(self, *, relabel: bool = False, label: Callable[[], None] | None = None) -> ForgetReport:
        """Both halves and the release between them, as the command does it."""
        project, data = self.project, self.project.data
        report = forget(project, data, [CANARY], PARAMS, store=self.store, relabel=relabel, now=NOW, progress=print, label=label)
        commit(project, self.store, "dataset-2026-11-21.1")
        return finish(project, data, report, store=self.store, progress=print)

    def traces(self) -> list[str]:
        """Every file and object in which something of the canary can be found, Parquet read value by value."""
        found = []
        for path in sorted(self.project.root.rglob("*")):
            if path.is_file() and self._speaks(path.read_bytes()):
                found.append(str(path.relative_to(self.project.root)))
        for key, _ in self.store.keys(""):
            if self._speaks(self.store.get_bytes(key) or b""):
                found.append(key)
        return found

    def _speaks(self, content: bytes) -> bool:
        wanted = (*self.pixels, *self.words)
        if content[:4] == b"PAR1":
            rows = pq.read_table(pa.BufferReader(content)).to_pylist()
            content += repr(rows).encode() + b"".join(value for row in rows for value in _binaries(row))
        return any(part in content for part in wanted)


def _binaries(value: object) -> Iterable[bytes]:
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _binaries(inner)


def make_world(root: Path, store: ObjectStore | None = None) -> World:
    """Five videos in two versions; the canary is in both."""
    project = Project(root / "project")
    world_store = store or FolderStore(StoreAddress(str(root / "store")))
    data = project.data
    project.settings.parent.mkdir(parents=True)
    (project.settings.parent / "cache" / "files" / "md5").mkdir(parents=True)
    append_videos(data.catalogue, [_listed(video) for video in make_videos(VIDEOS)], "2026-11-20")
    make_labels(data.labels_root, VIDEOS, frames=8)
    for name in VIDEOS:
        _make_heard(data.heard(name), name)
        media = data.media(name)
        media.mkdir(parents=True)
        (media / "picture.mp4").write_bytes(np.random.default_rng(list(name.encode())).bytes(5_000))
        (media / "info.json").write_text(json.dumps({"title": f"About {name}"}))
    _plant(data.words(CANARY), "lemma")
    _plant(data.examples(CANARY), "sentence")
    _judge(data)
    (data.media(CANARY) / "captions.en.vtt").write_text(f"WEBVTT\n\n00:00.000 --> 00:01.000\n{WORD}\n")
    data.report.write_text(f"<p>{WORD}</p>")
    data.ledger.with_name("ledger.sqlite.damaged-1").write_text(f"half a ledger, and {WORD}")
    sheet = data.sheet(CANARY)
    sheet.parent.mkdir(parents=True)
    sheet.write_text(WORD)
    _count_corpus(project)
    ledger = Ledger(data.ledger)
    for name in VIDEOS:
        problem = f"{WORD} of {name}" if name == CANARY else name
        ledger.record(Outcome(name, "failed", code="transient", problem=problem), NOW, POLICY)
    ledger.close()
    _seal(project, VIDEOS[:3])
    commit(project, world_store, "dataset-2026-11-19.1")
    _seal(project, VIDEOS)
    commit(project, world_store, "dataset-2026-11-20.1")
    pixels = [(data.media(CANARY) / "picture.mp4").read_bytes()[1000:1064]]
    pixels += [jpeg[-42:-2] for jpeg in pq.read_table(data.frames(CANARY))["jpeg"].to_pylist() if jpeg]
    assert all(len(set(piece)) > 20 for piece in pixels)
    return World(project, world_store, tuple(pixels), (WORD.encode(), f"About {CANARY}\"".encode()))


def _listed(video: Video) -> Video:
    return replace(video, title=f"{WORD} title") if video.id == CANARY else video


def _plant(path: Path, column: str) -> None:
    """Put the canary word into the first row of a table, whose fingerprint stays."""
    table, record = pq.read_table(path), read_record(path)
    values = table[column].to_pylist()
    at = table.schema.get_field_index(column)
    table = table.set_column(at, table.schema.field(at), pa.array([WORD, *values[1:]], table.schema.field(at).type))
    fingerprint = Fingerprint(record["step"], record["version"], record["params"], record["inputs"])
    write_table(table.replace_schema_metadata(None), path, fingerprint, extra=record["extra"])


def _make_heard(path: Path, name: str) -> None:
    row = {"video_id": name, "word_index": 0, "segment": 0, "word": WORD if name == CANARY else "bread", "start": 0.0, "end": 0.4,
           "confidence": 0.9, "engine": "vosk", "model": "m", "timing_source": "word"}
    write_table(pa.Table.from_pylist([row], HEARD), path, Fingerprint("heard", 1, {}, {"video": name}))


def _judge(data: DataFolder) -> None:
    """Labels as nets have judged them, and what stands for the nets."""
    for name in VIDEOS:
        made = Fingerprint("evidence", 1, {}, {"examples": read_record(data.examples(name))["fingerprint"]})
        write_table(read_table(data.examples(name)), data.evidence_root / f"{name}.parquet", made)
    (data.evidence_root / "nets").mkdir()
    (data.evidence_root / "nets" / "fold").write_text(WORD)


def _count_corpus(project: Project) -> None:
    so_far = CorpusSoFar(project.data)
    for name in VIDEOS:
        so_far.passed(name, read_record(project.data.words(name))["fingerprint"])
    so_far.counts()
    so_far.keep()


def _seal(project: Project, names: Sequence[str]) -> None:
    videos = [video for video in read_catalogue(project.data.catalogue) if video.id in names]
    build_dataset(project.data.labels_root, videos, project.data.dataset, PARAMS.dataset, project.data.evidence_root)


def commit(project: Project, store: ObjectStore, tag: str) -> None:
    """What `dvc commit`, `dvc push` and publishing a version leave behind."""
    cache = FolderStore(StoreAddress(str(project.settings.parent / "cache")))
    lock = []
    for output in OUTPUTS:
        folder = project.data.root / output
        members = []
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            members.append({"md5": _put(path.read_bytes(), "", cache, store), "relpath": path.relative_to(folder).as_posix()})
        listing = json.dumps(sorted(members, key=lambda member: member["relpath"]), sort_keys=True).encode()
        lock.append(f"  - path: data/{output}\n    md5: {_put(listing, '.dir', cache, store)}.dir\n")
    project.lock.write_text("outs:\n" + "".join(lock))
    store.put_bytes((project.data.dataset / "README.md").read_bytes(), f"versions/{tag}/README.md")
    store.put_bytes((project.data.dataset / "manifest.json").read_bytes(), f"versions/{tag}/manifest.json")


def _put(content: bytes, suffix: str, *stores: ObjectStore) -> str:
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    for store in stores:
        store.put_bytes(content, f"files/md5/{md5[:2]}/{md5[2:]}{suffix}")
    return md5


def whole_version(project: Project, store: ObjectStore) -> bool:
    """True when every file of the version in dvc.lock is on the store."""
    keys = dict(store.keys())
    for line in project.lock.read_text().splitlines():
        if "md5: " in line:
            md5 = line.split("md5: ")[1]
            listing = store.get_bytes(f"files/md5/{md5[:2]}/{md5[2:]}")
            if listing is None or any(
                    f"files/md5/{entry['md5'][:2]}/{entry['md5'][2:]}" not in keys for entry in json.loads(listing)):
                return False
    return True


if __name__ == "__main__":  # forget in a process of its own, which ends as if killed at its n-th change of a file
    import os
    import shutil

    ROOT, COUNT = Path(sys.argv[1]), int(sys.argv[2])
    done = 0

    def deadly(function: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            global done
            done += 1
            if done == COUNT:
                os._exit(9)
            return function(*arguments, **options)
        return call

    for owner, name in ((Path, "unlink"), (Path, "replace"), (os, "link"), (os, "unlink"), (shutil, "rmtree")):
        setattr(owner, name, deadly(getattr(owner, name)))
    World(Project(ROOT / "project"), FolderStore(StoreAddress(str(ROOT / "store")))).forget()
    print(done)
