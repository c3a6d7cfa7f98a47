"""The main job as a user runs it: the true Vosk engine, a real Prefect server, real videos."""

import os
import random
import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.flows.conftest import SAMPLE, Command, copy_sample, tree_hash

pytestmark = pytest.mark.slow
KILL_SEED = 20_261_120
KILLS = 3


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory, prefect_api: str, tiny_model: Path) -> dict[str, str]:
    """What an undisturbed run over the sample leaves behind."""
    folder = tmp_path_factory.mktemp("reference")
    command = Command(folder, {**os.environ, "PREFECT_API_URL": prefect_api, "PREFECT_HOME": str(folder / "prefect")})
    done = command("--set", f"transcription.model={tiny_model}", "ingest", str(SAMPLE))
    assert done.code == 0, done.err
    return tree_hash(command.data)


def ingest(framewords: Command, with_model: tuple[str, ...], *words: str) -> tuple[int, str, str]:
    done = framewords(*with_model, "ingest", *words)
    return done.code, done.out, done.err


def test_sample_videos_become_pictures_with_the_words_spoken_about_them(
        framewords: Command, with_model: tuple[str, ...], ask_prefect: Callable[[str, dict[str, Any]], Any]) -> None:
    code, out, err = ingest(framewords, with_model, str(SAMPLE))
    assert (code, err) == (0, "")
    assert "3 labelled" in out
    assert "vosk" in out
    for folder in sorted((framewords.data / "labels").iterdir()):
        frames = pq.read_table(folder / "frames.parquet")
        words = pq.read_table(folder / "words.parquet")
        examples = pq.read_table(folder / "examples.parquet")
        kept = [row for row in frames.to_pylist() if row["dropped"] is None]
        assert len(examples) == len(kept) > 0
        assert all(row["jpeg"].startswith(b"\xff\xd8") for row in kept)
        assert all(row["jpeg"] is None for row in frames.to_pylist() if row["dropped"] is not None)
        keys = {row["lemma"] for row in words.to_pylist() if row["why_not"] is None}
        assert {label["label"] for row in examples.to_pylist() for label in row["labels"]} <= keys
    states = Counter(run["state_name"] for run in ask_prefect("task_runs/filter", {"limit": 200}) if "file_" in run["name"])
    assert states["Completed"] >= 3 * 4


def test_a_second_run_does_nothing_and_shows_cached(
        framewords: Command, with_model: tuple[str, ...], ask_prefect: Callable[[str, dict[str, Any]], Any]) -> None:
    assert ingest(framewords, with_model, str(SAMPLE))[0] == 0
    before = {path: path.stat().st_mtime_ns for path in (framewords.data / "labels").rglob("*.parquet")}
    code, out, _ = ingest(framewords, with_model, str(SAMPLE))
    assert code == 0
    assert "3 done before" in out
    assert {path: path.stat().st_mtime_ns for path in (framewords.data / "labels").rglob("*.parquet")} == before
    newest = ask_prefect("task_runs/filter", {"limit": 20, "sort": "EXPECTED_START_TIME_DESC"})
    names = Counter(run["state_name"] for run in newest if run["name"].startswith("label-file_"))
    assert names["Cached"] >= 3


def test_any_number_of_lanes_and_threads_gives_the_same_bytes(
        framewords: Command, with_model: tuple[str, ...], reference: dict[str, str]) -> None:
    code, _, err = ingest(framewords, (*with_model, "--set", "ingest.videos_at_once=1", "--set", "transcription.threads=1"),
                          str(SAMPLE))
    assert code == 0, err
    assert tree_hash(framewords.data) == reference


def test_a_run_killed_at_any_moment_ends_as_if_it_had_not_been(
        framewords: Command, with_model: tuple[str, ...], reference: dict[str, str]) -> None:
    """Killed when the nth file appears under its final name, n drawn with a fixed seed; then run to the end."""
    for after in sorted(random.Random(KILL_SEED).sample(range(1, 12), KILLS)):
        process = framewords.start(*with_model, "ingest", str(SAMPLE))
        try:
            while process.poll() is None and len(finished_files(framewords.data)) < after:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=0.02)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    code, _, err = ingest(framewords, with_model, str(SAMPLE))
    assert code == 0, err
    assert tree_hash(framewords.data) == reference


def finished_files(data: Path) -> list[Path]:
    """Files under their final names."""
    return [path for path in data.rglob("*") if path.suffix in (".parquet", ".json") and ".staging-" not in str(path)]


def test_a_bad_video_is_set_aside_and_the_rest_completes(
        framewords: Command, with_model: tuple[str, ...], tmp_path: Path) -> None:
    folder = copy_sample(tmp_path / "videos")
    good = sorted(folder.glob("*.mp4"))
    good[0].write_bytes(good[0].read_bytes()[: good[0].stat().st_size // 2])
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "page.mp4").write_text("<!doctype html><title>not a video</title>")
    code, out, err = ingest(framewords, with_model, str(folder))
    assert (code, err) == (0, "")
    assert "2 labelled" in out
    assert "empty_file" in out
    assert "not_a_video" in out


def test_changing_the_words_settings_decodes_nothing_again(framewords: Command, with_model: tuple[str, ...]) -> None:
    assert ingest(framewords, with_model, str(SAMPLE))[0] == 0
    labels = framewords.data / "labels"
    before = {path: path.stat().st_mtime_ns for path in labels.rglob("*.parquet")}
    assert ingest(framewords, (*with_model, "--set", "keywords.min_letters=5"), str(SAMPLE))[0] == 0
    changed = {path.name for path, at in before.items() if path.stat().st_mtime_ns != at}
    assert changed == {"words.parquet", "examples.parquet"}


def test_a_video_added_later_leaves_the_others_alone(
        framewords: Command, with_model: tuple[str, ...], reference: dict[str, str]) -> None:
    videos = sorted(SAMPLE.glob("*.mp4"))
    assert ingest(framewords, with_model, str(videos[0]), str(videos[1]))[0] == 0
    before = {path: path.stat().st_mtime_ns for path in (framewords.data / "labels").rglob("*.parquet")}
    assert ingest(framewords, with_model, str(videos[2]))[0] == 0
    assert all(path.stat().st_mtime_ns == at for path, at in before.items())
    labels = {path: digest for path, digest in tree_hash(framewords.data).items() if path.startswith("labels")}
    assert labels == {path: digest for path, digest in reference.items() if path.startswith("labels")}


def test_a_dry_run_says_what_it_would_cost_and_writes_nothing(framewords: Command, with_model: tuple[str, ...]) -> None:
    done = framewords(*with_model, "ingest", "--dry-run", str(SAMPLE))
    assert done.code == 0, done.err
    assert "3 videos" in done.out
    # 72 s of video, heard by Vosk as planned: 0.02 h x (360 + 8) CPU seconds an hour
    assert "about 7 CPU seconds" in " ".join(done.out.split())
    assert not framewords.data.exists()


def test_two_runs_at_once_are_refused(framewords: Command, with_model: tuple[str, ...]) -> None:
    from tasks.storage.lock import held_lock

    with held_lock(framewords.data / "lock"):
        code, _, err = ingest(framewords, with_model, str(SAMPLE))
    assert code == 3
    assert "another run is at work" in err
