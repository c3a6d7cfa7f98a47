import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from tests.bed import make
from tests.bed.follow import follow_sheet
from tests.bed.make import Bed, bed_of_command_line, make_bed
from tests.bed.scenes import visible
from tests.bed.truth import VideoTruth, read_truth


@pytest.fixture(scope="session")
def videos(bed_videos: Path) -> list[VideoTruth]:
    return read_truth(bed_videos / "truth.jsonl")


def test_scenes_fill_the_video_without_gaps(videos: list[VideoTruth]) -> None:
    for video in videos:
        assert video["scenes"][0]["start"] == 0
        assert video["scenes"][-1]["end"] == pytest.approx(video["duration"], abs=1e-4)
        assert all(a["end"] == b["start"] for a, b in pairwise(video["scenes"]))
        assert [cut["t"] for cut in video["cuts"]] == pytest.approx([s["start"] for s in video["scenes"][1:]], abs=1e-4)


def test_a_pair_is_said_as_long_after_its_scene_as_its_shift(videos: list[VideoTruth]) -> None:
    pairs = [(video, pair) for video in videos for pair in video["pairs"]]
    assert len(pairs) >= 8
    for video, pair in pairs:
        scene = video["scenes"][pair["scene"]]
        shown = (pair["word_start"] + pair["word_end"]) / 2 - pair["shift"]
        assert scene["object"] == pair["word"]
        assert scene["start"] < shown < scene["end"]
        assert abs(pair["shift"] - video["lag"]["offset"]) <= 1.001  # jitter is cut at 1 s


def test_an_off_topic_noun_is_not_on_screen(videos: list[VideoTruth]) -> None:
    off = [(video, s) for video in videos for s in video["sentences"] if s["kind"] == "off"]
    assert len(off) >= 4
    for video, sentence in off:
        assert sentence["noun"] not in visible(video["scenes"], sentence["start"], sentence["start"] + 1)


def test_words_are_in_order_and_silences_hold_none(videos: list[VideoTruth]) -> None:
    for video in videos:
        assert all(a["end"] <= b["start"] + 0.002 for a, b in pairwise(video["words"]))
        for start, end in video["silences"]:
            assert end - start >= 1
            assert not any(word["start"] < end - 0.002 and word["end"] > start + 0.002 for word in video["words"])


def test_hard_cuts_fall_on_their_frame(bed_videos: Path, videos: list[VideoTruth]) -> None:
    video = next(v for v in videos if any(cut["kind"] == "cut" for cut in v["cuts"]))
    with av.open(str(bed_videos / video["path"])) as container:
        pictures = [frame.reformat(64, 36, "gray").to_ndarray().astype(int) for frame in container.decode(video=0)]
    assert len(pictures) == round(video["duration"] * video["fps"])
    change = [0.0, *(float(np.abs(a - b).mean()) for a, b in pairwise(pictures))]
    for cut in video["cuts"]:
        if cut["kind"] == "cut":
            at = round(cut["t"] * video["fps"])
            assert int(np.argmax(change[at - 5 : at + 6])) == 5


def test_feeds_and_pages_lead_to_every_video(bed_videos: Path, videos: list[VideoTruth]) -> None:
    items = ET.parse(bed_videos / "feed.xml").findall("channel/item")
    assert {item.findtext("guid") for item in items} == {video["video_id"] for video in videos}
    for item in items:
        enclosure = item.find("enclosure")
        assert enclosure is not None
        path = enclosure.get("url", "").removeprefix(Bed.base + "/")
        assert int(enclosure.get("length", "0")) == (bed_videos / path).stat().st_size
    assert all('"@type": "VideoObject"' in (bed_videos / video["page"]).read_text() for video in videos)


def test_a_seed_means_the_same_truth_with_any_number_of_jobs(bed_tools: None, tmp_path: Path) -> None:
    for jobs in (1, 2):
        make_bed(Bed(out=tmp_path / str(jobs), videos=2, seconds=8, seed=3, jobs=jobs, truth_only=True))
    first, second = ((tmp_path / jobs / "truth.jsonl").read_bytes() for jobs in "12")
    assert first == second


def test_missing_tools_are_named_with_their_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    def not_installed() -> None:
        raise OSError("libespeak-ng.so.1: cannot open shared object file")

    monkeypatch.setattr(make, "load_library", not_installed)
    with pytest.raises(make.MissingToolsError, match=r"apt-get install ffmpeg espeak-ng libespeak-ng1$"):
        make_bed(Bed(out=tmp_path / "out", videos=1))
    assert not (tmp_path / "out").exists()


def test_too_few_classes_are_refused(bed_tools: None, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="5 classes: a bed needs"):
        make_bed(Bed(out=tmp_path, videos=1, classes=5))


@pytest.mark.parametrize(("text", "lag"), [("-6..6", (-6, 6)), ("0..0", (0, 0)), ("1.5", (1.5, 1.5)), ("-2", (-2, -2))])
def test_a_lag_may_begin_with_a_minus(text: str, lag: tuple[float, float]) -> None:
    assert bed_of_command_line(["--out", "x", "--lag", text, "--videos", "2"]).lag == lag


def test_a_follow_sheet_has_a_picture_for_each_interval(bed_videos: Path, videos: list[VideoTruth]) -> None:
    sheet = follow_sheet(bed_videos, videos[0], every=10)
    assert sheet.size == (4 * 380, 214 + 112 + 24)  # 0, 10 and 20 s: one row
    third = np.asarray(sheet.crop((2 * 380 + 10, 34, 3 * 380 - 10, 224)))
    assert third.std() > 5
    assert np.asarray(sheet.crop((3 * 380, 30, 4 * 380, 238))).min() == 255
