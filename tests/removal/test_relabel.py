"""Key words are judged against the videos listed before: what forgetting one of those does to them, and to later labels."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.alignment.task import align_words
from tasks.dataset.build import build_dataset
from tasks.discovery.catalogue import append_videos, read_catalogue
from tasks.keywords.so_far import FRAME_COLUMNS, CorpusSoFar
from tasks.keywords.task import has_words, label_words
from tasks.params import load_params
from tasks.removal.local import bury, remove_forgotten
from tasks.schema import HEARD
from tasks.storage.artefact import Fingerprint, digest_file, read_record, read_table, write_table
from tasks.storage.layout import DataFolder
from tasks.storage.tombstones import Tombstone, write_tombstones
from tests.dataset.conftest import tree
from tests.labels import make_labels, make_videos

VIDEOS = ("site_0", "site_1", "site_2", "site_3", "site_4", "site_5")
SAID = ("knife bread", "knife cheese lamp", "bread egg", "knife lamp", "river knife tree", "bread boat")
PARAMS = load_params(Path("params.yaml"))


def make_project(root: Path, names: Sequence[str]) -> DataFolder:
    """Videos seen and heard, not yet labelled."""
    data = DataFolder(root)
    listed = [video for video in make_videos(VIDEOS) if video.id in names]
    append_videos(data.catalogue, listed, "2026-11-20")
    make_labels(data.labels_root, names, frames=4)
    for name in names:
        data.words(name).unlink()
        data.examples(name).unlink()
        rows = [{"video_id": name, "word_index": at, "segment": 0, "word": word, "start": at * 2.0, "end": at * 2.0 + 0.4,
                 "confidence": 0.9, "engine": "vosk", "model": "m", "timing_source": "word"}
                for at, word in enumerate(SAID[VIDEOS.index(name)].split())]
        write_table(pa.Table.from_pylist(rows, HEARD), data.heard(name), Fingerprint("heard", 1, {}, {"video": name}))
    return data


def label(data: DataFolder) -> list[str]:
    """Walk the list as ingest does; returns the videos whose key words were made now."""
    corpus, made = CorpusSoFar(data), []
    for video in read_catalogue(data.catalogue):
        if video.is_forgotten:
            corpus.passed_forgotten(video.id)
        elif data.heard(video.id).is_file():
            if not has_words(video.id, data, corpus, PARAMS.keywords):
                made.append(video.id)
            label_words.fn(video.id, data, corpus, PARAMS.keywords)
            align_words.fn(video.id, data, FRAME_COLUMNS, PARAMS.alignment)
    corpus.keep()
    return made


def forget(data: DataFolder, *names: str, relabel: bool = False) -> None:
    bury(data, names, "2026-11-21", relabel=relabel)
    remove_forgotten(data)


def seal(data: DataFolder) -> dict[str, bytes]:
    build_dataset(data.labels_root, read_catalogue(data.catalogue), data.dataset, PARAMS.dataset)
    return tree(data.dataset)


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    made = make_project(tmp_path / "data", VIDEOS)
    assert label(made) == list(VIDEOS)
    return made


def test_forgetting_makes_no_other_videos_key_words_anew(data: DataFolder) -> None:
    forget(data, "site_1")
    forget(data, "site_4", "site_0")
    before = {name: digest_file(data.words(name)) for name in ("site_2", "site_3", "site_5")}
    assert label(data) == []
    assert {name: digest_file(data.words(name)) for name in before} == before


def test_a_video_that_comes_after_is_judged_without_the_forgotten_one(data: DataFolder, tmp_path: Path) -> None:
    data.words("site_5").unlink()
    forget(data, "site_1")
    assert label(data) == ["site_5"]
    never = make_project(tmp_path / "never", [name for name in VIDEOS if name != "site_1"])
    label(never)
    assert read_table(data.words("site_5")) == read_table(never.words("site_5"))


@pytest.mark.parametrize("gone", [("site_1",), ("site_3", "site_0")])
def test_relabelled_every_byte_is_as_if_it_had_never_been_ingested(
        data: DataFolder, tmp_path: Path, gone: tuple[str, ...]) -> None:
    seal(data)
    forget(data, *gone, relabel=True)
    label(data)
    never = make_project(tmp_path / "never", [name for name in VIDEOS if name not in gone])
    label(never)
    assert seal(data) == seal(never)
    assert tree(data.labels_root) == tree(never.labels_root)


def test_relabelling_later_covers_what_was_forgotten_before(data: DataFolder, tmp_path: Path) -> None:
    forget(data, "site_1")
    label(data)
    forget(data, "site_3", relabel=True)
    assert label(data) == ["site_2", "site_4", "site_5"]
    never = make_project(tmp_path / "never", ["site_0", "site_2", "site_4", "site_5"])
    label(never)
    assert tree(data.labels_root) == tree(never.labels_root)


def test_the_stored_counts_of_the_corpus_lose_the_video_and_stay_in_use(data: DataFolder, tmp_path: Path) -> None:
    forget(data, "site_1")
    stored = list(data.cache.glob("corpus-*.json"))
    never = make_project(tmp_path / "never", [name for name in VIDEOS if name != "site_1"])
    label(never)
    assert [path.read_text() for path in stored] == [path.read_text() for path in never.cache.glob("corpus-*.json")]
    corpus = CorpusSoFar(data)
    for video in read_catalogue(data.catalogue):
        if video.is_forgotten:
            corpus.passed_forgotten(video.id)
        else:
            corpus.passed(video.id, read_record(data.words(video.id))["fingerprint"])
    for video in read_catalogue(data.catalogue):
        data.words(video.id).unlink(missing_ok=True)
    assert len(corpus.counts().videos) == 5  # read from the store, for there is nothing else to count


def test_stored_counts_that_still_hold_a_forgotten_video_are_not_used(data: DataFolder) -> None:
    bury(data, ["site_1"], "2026-11-21", relabel=False)  # killed before the counts were mended
    data.words("site_5").unlink()
    label(data)
    assert {name for store in data.cache.glob("corpus-*.json") for name in json.loads(store.read_text())["videos"]} == {
        "site_0", "site_2", "site_3", "site_4", "site_5"}


events = st.lists(st.one_of(st.just("list"), st.integers(0, 9)), min_size=1, max_size=30)


@given(events)
@settings(max_examples=100, deadline=None)
def test_labels_made_at_any_time_hold_whatever_is_forgotten_in_whatever_order(
        tmp_path_factory: pytest.TempPathFactory, history: list[str | int]) -> None:
    """"list": one more video is listed and labelled; a number: that listed video, if any, is forgotten."""
    data = DataFolder(tmp_path_factory.mktemp("chain"))
    listed: list[str] = []
    made: dict[str, str] = {}
    tombs: dict[str, Tombstone] = {}

    def walk() -> None:
        corpus = CorpusSoFar(data)
        for name in listed:
            if name in tombs:
                corpus.passed_forgotten(name)
                continue
            holding = [hashlib.sha256(f"{name} {chain}".encode()).hexdigest() for chain in corpus.chains]
            assert name not in made or made[name] in holding
            made.setdefault(name, holding[0])
            corpus.passed(name, made[name])

    for event in history:
        if event == "list":
            listed.append(f"v_{len(listed)}")
        elif isinstance(event, int) and event < len(listed) and listed[event] not in tombs:
            tombs[listed[event]] = Tombstone(listed[event], "2026-11-21", made[listed[event]])
            write_tombstones(data.forgotten, tombs.values())
        walk()
