from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.evidence import crossfit
from tasks.evidence.crossfit import EvidenceSummary, gather_evidence
from tasks.evidence.judge import Judge, JudgeNet
from tasks.evidence.sights import read_pictures
from tasks.params import EvidenceParams
from tasks.schema import EXAMPLES, Video
from tasks.storage.artefact import read_record, read_table
from tests.alignment.narrated import Narrated
from tests.bed.score import Truth
from tests.benchmarks.bench_alignment import curve, labelled, precision_at
from tests.evidence.world import ALIGNMENT, settings, write_videos

World = tuple[Path, list[Video], list[Narrated]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return write_videos(tmp_path_factory.mktemp("world"), 40)


def gather(labels: Path, videos: Sequence[Video], out: Path, params: EvidenceParams, **more: Any) -> EvidenceSummary:
    return gather_evidence(labels, videos, out, ALIGNMENT, params, 6, **more)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def finished(world: World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What a run over sixteen videos leaves: a cohort of twelve, and four that came later."""
    labels, videos, _ = world
    out = tmp_path_factory.mktemp("evidence")
    summary = gather(labels, videos[:16], out, settings())
    assert (summary.labelled, summary.cohort, summary.written, summary.kept) == (16, 12, 16, 0)
    assert summary.trained == 2 * summary.folds
    return contents(out)


def test_labels_are_better_with_pictures_than_by_timing_alone(world: World, tmp_path: Path) -> None:
    labels, videos, narrated = world
    gather(labels, videos, tmp_path, settings(first_videos=40, epochs=15, width=8, min_videos=8, folds=2))
    truth = Truth.load(labels.parent / "truth.jsonl")
    precision: dict[str, float] = {}
    for name, tables in {"timing": [read_table(labels / video.id / "examples.parquet") for video in videos],
                         "pictures": [read_table(tmp_path / f"{video.id}.parquet") for video in videos]}.items():
        found = labelled(narrated, tables, truth.classes)
        frames = {key: [(label.word, label.weight) for label in found[key] if label.weight > 0.02] for key in found}
        precision[name] = precision_at(curve(truth, frames, "objects"), 0.7) or 0.0
    assert precision["timing"] < 0.7  # as docs/alignment.md has it
    assert precision["pictures"] >= 0.85


def test_no_video_is_judged_by_a_net_that_saw_it_or_its_channel(
        world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels, videos, _ = world
    channel = {video.id: video.channel for video in videos}
    owner: dict[bytes, str] = {}
    learnt: dict[int, set[str]] = {}
    read = read_pictures

    def reading(frames: Path, *rest: Any) -> Any:
        pictures, places = read(frames, *rest)
        owner.update({picture.tobytes(): channel[frames.parent.name] for picture in pictures})
        return pictures, places

    class Watched(Judge):
        def look(self, pictures: Any) -> Any:
            assert learnt[id(self.net)].isdisjoint({owner[picture.tobytes()] for picture in pictures})
            return np.tile(self.prior, (len(pictures), 1))

    def training(pictures: Any, shares: Any, words: Any, params: Any, seed: int, start: Any = None) -> Judge:
        net = JudgeNet(len(words) + 1, 4)
        learnt[id(net)] = {owner[picture.tobytes()] for picture in pictures}
        return Watched(tuple(words), shares.mean(axis=0).astype(np.float64), net)

    monkeypatch.setattr(crossfit, "read_pictures", reading)
    monkeypatch.setattr(crossfit, "train_judge", training)
    summary = gather(labels, videos[:12], tmp_path, settings())
    assert summary.written == 12
    assert all(len(seen) < len({video.channel for video in videos[:12]}) for seen in learnt.values())
    assert set().union(*learnt.values()) == {video.channel for video in videos[:12]}


def test_a_run_that_was_stopped_goes_on_and_ends_with_the_same_bytes(
        world: World, finished: dict[str, bytes], tmp_path: Path) -> None:
    labels, videos, _ = world
    trained = []

    def stop(what: str, done: int, of: int) -> None:
        trained.extend([what] if what.startswith("training") else [])
        if what == "training judges, round 2" and done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gather(labels, videos[:16], tmp_path, settings(), progress=stop)
    summary = gather(labels, videos[:16], tmp_path, settings())
    assert summary.trained == 2 * summary.folds - len(trained[:-1])
    assert contents(tmp_path) == finished


def test_a_later_video_costs_one_look_and_changes_no_other(world: World, finished: dict[str, bytes], tmp_path: Path) -> None:
    labels, videos, _ = world
    restore(finished, tmp_path)
    summary = gather(labels, videos[:17], tmp_path, settings())
    assert (summary.trained, summary.written, summary.kept) == (0, 1, 16)
    after = contents(tmp_path)
    assert after.pop(f"{videos[16].id}.parquet")
    assert after == finished
    assert gather(labels, videos[:17], tmp_path, settings()).written == 0


def test_half_as_many_videos_again_are_worth_new_judges(world: World, finished: dict[str, bytes], tmp_path: Path) -> None:
    labels, videos, _ = world
    restore(finished, tmp_path)
    summary = gather(labels, videos[:18], tmp_path, settings())
    assert (summary.cohort, summary.trained, summary.written) == (18, 2 * summary.folds, 18)


def test_what_was_judged_names_what_it_was_made_from(world: World, finished: dict[str, bytes], tmp_path: Path) -> None:
    labels, videos, _ = world
    restore(finished, tmp_path)
    for video in videos[:16]:
        path, timed = tmp_path / f"{video.id}.parquet", labels / video.id / "examples.parquet"
        assert read_record(path)["inputs"]["examples"] == read_record(timed)["fingerprint"]
        assert read_table(path).schema.equals(EXAMPLES)
        assert read_table(path)["frame"] == read_table(timed)["frame"]


def test_a_torn_net_is_trained_again(world: World, finished: dict[str, bytes], tmp_path: Path) -> None:
    labels, videos, _ = world
    restore(finished, tmp_path)
    (tmp_path / "nets" / "1" / "round2.safetensors").write_bytes(b"torn")
    gather(labels, videos[:16], tmp_path, settings())
    assert contents(tmp_path) == finished


@pytest.mark.parametrize("params", [settings(rounds=0), settings(first_videos=17)], ids=["switched off", "too few videos"])
def test_without_judges_nothing_stands_in_the_way_of_labels_by_timing(
        params: EvidenceParams, world: World, finished: dict[str, bytes], tmp_path: Path) -> None:
    labels, videos, _ = world
    restore(finished, tmp_path)
    summary = gather(labels, videos[:16], tmp_path, params)
    assert (summary.labelled, summary.cohort, summary.written) == (16, 0, 0)
    assert contents(tmp_path) == {}


def restore(files: dict[str, bytes], folder: Path) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
