"""What does it cost to forget one video? Run: python -m tests.benchmarks.bench_forget

200 videos, 100,000 sampled frames, shards of 64 MB, two released versions in DVC's cache and in a store, the corpus counted.
CPU seconds (user and system) of both halves of forgetting, the release between them left out, against the dataset step that
rewrites the shards and the index when the video is not in the list; beside them reading and writing those shards and nothing
else, and building the dataset from nothing.
"""

import hashlib
import json
import os
import resource
import shutil
import statistics
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tasks.dataset.build import build_dataset
from tasks.dataset.manifest import read_manifest
from tasks.dataset.rows import PICTURE
from tasks.discovery.catalogue import append_videos, read_catalogue
from tasks.keywords.so_far import CorpusSoFar
from tasks.params import load_params
from tasks.removal.forget import finish, forget
from tasks.schema import Video
from tasks.storage.artefact import Fingerprint, read_record, read_table, write_table
from tasks.storage.objects import FolderStore, StoreAddress
from tasks.storage.project import Project
from tests.labels import make_labels, make_videos

VIDEOS, FRAMES, JPEG_BYTES, ROUNDS = 200, 500, 12_000, 5
FORGOTTEN = "site_100"
PARAMS = load_params(Path("params.yaml"))


def cpu_of(work: Callable[[], object]) -> float:
    before = resource.getrusage(resource.RUSAGE_SELF)
    work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def make_project(root: Path) -> Project:
    project = Project(root)
    data = project.data
    names = [f"site_{at}" for at in range(VIDEOS)]
    append_videos(data.catalogue, make_videos(names, [f"channel {at}" for at in range(10)]), "2026-11-20")
    make_labels(data.labels_root, names, frames=FRAMES, jpeg_bytes=JPEG_BYTES)
    so_far = CorpusSoFar(data)
    for name in names:
        so_far.passed(name, read_record(data.words(name))["fingerprint"])
    so_far.counts()
    so_far.keep()
    videos = read_catalogue(data.catalogue)
    for count in (VIDEOS - 1, VIDEOS):
        build_dataset(data.labels_root, videos[:count], data.dataset, PARAMS.dataset)
        commit(project)
    return project


def commit(project: Project) -> None:
    """Objects as DVC lays them down, as links, in the cache and in the store."""
    lock = ""
    for output in ("labels", "dataset"):
        members = []
        for path in sorted(path for path in (project.data.root / output).rglob("*") if path.is_file()):
            md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
            members.append({"md5": md5, "relpath": path.relative_to(project.data.root / output).as_posix()})
            for place in places(project, md5):
                if not place.exists():
                    os.link(path, place)
        listing = json.dumps(members).encode()
        name = hashlib.md5(listing, usedforsecurity=False).hexdigest() + ".dir"
        for place in places(project, name):
            place.write_bytes(listing)
        lock += f"md5: {name}\n"
    project.lock.write_text(lock)


def places(project: Project, name: str) -> list[Path]:
    roots = (project.root / ".dvc" / "cache", project.root / "store")
    found = [root / "files" / "md5" / name[:2] / name[2:] for root in roots]
    for path in found:
        path.parent.mkdir(parents=True, exist_ok=True)
    return found


def rewritten(project: Project) -> list[str]:
    """Names of the shards that forgetting writes."""
    before = {shard["path"] for split in read_manifest(project.data.dataset)["splits"].values() for shard in split["shards"]}
    out = project.root / "after"
    shutil.copytree(project.data.dataset, out, copy_function=os.link)
    build_dataset(project.data.labels_root, without(project), out, PARAMS.dataset)
    after = {shard["path"] for split in read_manifest(out)["splits"].values() for shard in split["shards"]}
    return sorted(after - before)


def without(project: Project) -> list[Video]:
    return [video for video in read_catalogue(project.data.catalogue) if video.id != FORGOTTEN]


def rewrite(project: Project) -> float:
    """The dataset step when the video is no longer in the list: its shards and the index written again."""
    out = project.root / "rewrite"
    shutil.copytree(project.data.dataset, out, copy_function=os.link)
    spent = cpu_of(lambda: build_dataset(project.data.labels_root, without(project), out, PARAMS.dataset))
    shutil.rmtree(out)
    return spent


def bare(project: Project, names: Sequence[str]) -> float:
    """Reading and writing those shards, and nothing else."""
    def work() -> None:
        for name in names:
            table = read_table(project.root / "after" / name)
            write_table(table, project.root / "bare.parquet", Fingerprint("bare", 1, {}, {}), plain_columns=(PICTURE,))
    return cpu_of(work)


def from_nothing(project: Project) -> float:
    out = project.root / "nothing"
    spent = cpu_of(lambda: build_dataset(project.data.labels_root, without(project), out, PARAMS.dataset))
    shutil.rmtree(out)
    return spent


def forgetting(project: Project, root: Path) -> float:
    """Both halves in a copy of the project."""
    shutil.copytree(project.root, root, copy_function=os.link, ignore=shutil.ignore_patterns("after", "bare.parquet"))
    copy, store = Project(root), FolderStore(StoreAddress(str(root / "store")))
    now = datetime(2026, 11, 21, tzinfo=UTC)
    reports = []
    spent = cpu_of(lambda: reports.append(forget(
        copy, copy.data, [FORGOTTEN], PARAMS, store=store, relabel=False, now=now, progress=lambda doing: None)))
    commit(copy)
    spent += cpu_of(lambda: reports.append(finish(copy, copy.data, reports[0], store=store, progress=lambda doing: None)))
    searched = reports[1].searched
    assert searched is not None
    assert not searched.left
    shutil.rmtree(root)
    return spent


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        project = make_project(Path(scratch) / "project")
        names = rewritten(project)
        rounds = [(forgetting(project, Path(scratch) / f"round-{at}"), rewrite(project), bare(project, names))
                  for at in range(ROUNDS + 1)]
        spent, rewriting, plain = (statistics.median(column) for column in zip(*rounds[1:], strict=True))
        against = statistics.median(one / other for one, other, _ in rounds[1:])  # side by side: other work disturbs both
        nothing = from_nothing(project)
    facts = {"forget_seconds": round(spent, 2), "rewrite_seconds": round(rewriting, 2), "bare_seconds": round(plain, 2),
             "shards": len(names)}
    print(json.dumps({"bench": "forget_against_rewriting_its_shards", "ratio": round(against, 2), "bar": 1.1,
                      "at_most": True, **facts}), flush=True)
    print(json.dumps({"bench": "forget_against_bare_rewriting", "ratio": round(spent / plain, 2), "at_most": True}), flush=True)
    print(json.dumps({"bench": "forget_against_building_again", "ratio": round(nothing / spent, 1)}), flush=True)


if __name__ == "__main__":
    main()
