"""What does verification cost beside the hash of each byte? Run: python -m tests.benchmarks.bench_verify [--megabytes N]

A project with one large video in its data folder, in DVC's cache and on a store in a folder, against hashlib's MD5 over the
same files in one loop. CPU, user and system, children included.
"""

import argparse
import hashlib
import json
import platform
import resource
import shutil
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import yaml

from tasks.release.copies import key_of
from tasks.release.integrity import verify_all
from tasks.release.remote import read_remote
from tasks.release.template import init_project
from tasks.storage.objects import open_store
from tasks.storage.project import Project

ROUNDS, PIECE_BYTES = 5, 1 << 20


def make_project(root: Path, megabytes: int) -> tuple[Project, list[Path]]:
    """The project, and its files that are to be hashed."""
    project = init_project(root)
    content = np.random.default_rng(0).bytes(megabytes << 20)
    picture = project.data.media("site_0") / "picture.mp4"
    objects = {hashlib.md5(content, usedforsecurity=False).hexdigest(): content}
    listing = json.dumps([{"md5": next(iter(objects)), "relpath": "site_0/picture.mp4"}], sort_keys=True).encode()
    name = hashlib.md5(listing, usedforsecurity=False).hexdigest() + ".dir"
    files = {picture: content} | {
        place / key_of(key): held for key, held in (objects | {name: listing}).items()
        for place in (root / ".dvc" / "cache", root / "store")}
    for path, held in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(held)
    project.lock.write_text(yaml.safe_dump({"schema": "2.0", "stages": {"media": {"outs": [
        {"path": "data/media", "hash": "md5", "md5": name}]}}}))
    return project, list(files)


def cpu_seconds(work: Callable[[], object]) -> float:
    before = _cpu()
    work()
    return _cpu() - before


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def hash_all(files: list[Path]) -> None:
    for path in files:
        digest = hashlib.md5(usedforsecurity=False)
        with path.open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                digest.update(piece)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=100)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    try:
        project, files = make_project(folder / "project", options.megabytes)
        findings = verify_all(project, open_store(read_remote(project)))
        assert (findings.found, findings.checked_bytes) == ((), sum(path.stat().st_size for path in files))
        ours = [cpu_seconds(lambda: verify_all(project, open_store(read_remote(project)))) for _ in range(ROUNDS)]
        bare = [cpu_seconds(lambda: hash_all(files)) for _ in range(ROUNDS)]
    finally:
        shutil.rmtree(folder)
    print(json.dumps({
        "bench": "verify", "ratio": round(statistics.median(ours) / statistics.median(bare), 3), "bar": 1.2, "at_most": True,
        "megabytes_read": round(findings.checked_bytes / 1e6), "ours_cpu_s": round(statistics.median(ours), 3),
        "bare_md5_cpu_s": round(statistics.median(bare), 3), "machine": platform.platform()}))


if __name__ == "__main__":
    main()
