"""Real third-party media through the whole job: every file ends as rows of the dataset or with a named reason."""

import csv
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tasks.storage.ledger import Ledger, Outcome
from tests.flows.conftest import Command

pytestmark = [pytest.mark.slow, pytest.mark.media]
# From MEDIA.md: what has no sound track, no picture, or not all of itself.
NO_SOUND = {"no audio muted", "tiny noise 50x50", "sintel trailer 10s noaudio", "odd 66x50", "one pixel 1fps", "newtons cradle",
            "av1", "counter", "scene video"}
NO_PICTURE = {"audio only"}
CUT_SHORT = {"truncated bunny", "truncated talk"}
NO_SPEECH = {"earth", "smpte"}


@pytest.fixture
def outcomes(framewords: Command, with_model: tuple[str, ...], media_folder: Path) -> Iterator[dict[str, list[Outcome]]]:
    """Outcomes of everything in hard/, by title."""
    done = framewords(*with_model, "--set", "transcription.engine=vosk", "ingest", str(media_folder / "hard"))
    assert (done.code, done.err) == (0, "")
    assert "zero_bytes.mp4: empty_file" in done.out
    with closing(Ledger(framewords.data / "ledger.sqlite")) as ledger, (framewords.data / "videos.csv").open() as file:
        ended = ledger.outcomes()
        found: dict[str, list[Outcome]] = {}
        for row in csv.DictReader(file):
            found.setdefault(row["title"], []).append(ended[row["id"]])
        yield found


def test_every_hard_file_ends_as_rows_or_with_a_named_reason(
        outcomes: dict[str, list[Outcome]], framewords: Command, media_folder: Path) -> None:
    listed = sum(len(same) for same in outcomes.values())
    videos = [path for path in (media_folder / "hard").iterdir()
              if path.suffix in (".mp4", ".flv", ".webm", ".ogg", ".avi", ".mov", ".mkv", ".gif") and path.stat().st_size]
    assert listed >= len(videos)
    for title, same in outcomes.items():
        for outcome in same:
            assert outcome.outcome == "labelled" or (outcome.outcome == "set_aside" and outcome.code), title
            assert outcome.code not in ("fault", "crashed", "timeout"), (title, outcome)
    codes = {title: {outcome.code for outcome in same} for title, same in outcomes.items()}
    assert {title: codes[title] for title in NO_SOUND} == {title: {"no_audio"} for title in NO_SOUND}
    assert all(codes[title] == {"no_picture"} for title in NO_PICTURE)
    assert all(codes[title] == {"incomplete"} for title in CUT_SHORT)
    assert all(codes[title] <= {"no_words"} for title in NO_SPEECH)
    manifest = json.loads((framewords.data / "dataset" / "manifest.json").read_text())
    labelled = sum(outcome.outcome == "labelled" for same in outcomes.values() for outcome in same)
    assert len(manifest["videos"]) == labelled


def test_a_still_title_card_is_one_picture_with_the_captions_words(
        framewords: Command, media_folder: Path, tmp_path: Path) -> None:
    """manifesto.mp4 with the captions the site gave: one picture, and the words the recogniser heard, within 2 %."""
    folder = tmp_path / "talk"
    folder.mkdir()
    source = media_folder / "video-speech"
    (folder / "manifesto.mp4").write_bytes((source / "manifesto.mp4").read_bytes())
    (folder / "manifesto.en.vtt").write_bytes((source / "manifesto.youtube-auto.vtt").read_bytes())
    done = framewords("ingest", str(folder))
    assert done.code == 0, done.err
    assert "captions" in done.out
    labels = next((framewords.data / "labels").iterdir())
    frames = pq.read_table(labels / "frames.parquet", columns=["dropped"])["dropped"].to_pylist()
    assert frames.count(None) == 1
    words = pq.read_table(labels / "words.parquet")
    assert set(words["engine"].to_pylist()) == {"captions"}
    heard = sum(len(segment["words"]) for segment in json.loads((source / "manifesto.vosk.json").read_text()))
    assert abs(len(words) - heard) <= 0.02 * heard
