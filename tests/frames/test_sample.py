import io
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tasks.errors import UnusableVideoError
from tasks.frames.sample import frames_fingerprint, sample_frames
from tasks.schema import FRAME_DROPS, FRAMES
from tasks.storage.artefact import is_done, read_record
from tasks.storage.child import preload, run_in_child
from tests.frames.clips import Picture, frames_params, scene, solid, write_clip

Row = dict[str, Any]


def sampled(picture: Path, folder: Path, **changes: object) -> tuple[dict[str, Any], list[Row]]:
    params = frames_params(**changes)
    out = folder / "frames.parquet"
    answer = sample_frames("file_1", picture, out, frames_fingerprint("0", params), params, progress=lambda seconds: None)
    return answer, pq.read_table(out).to_pylist()


def kept(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["dropped"] is None]


def scenes(*parts: tuple[int | Picture, float], rate: int = 25) -> list[Picture]:
    """Pictures of scenes one after the other: (seed or picture, seconds)."""
    return [what if isinstance(what, np.ndarray) else scene(what, 320, 180) for what, seconds in parts
            for _ in range(round(seconds * rate))]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Two scenes, black, the first scene again, and a flat picture, with a keyframe every second."""
    black, flat = solid(0, 0, 0, 320, 180), solid(120, 120, 120, 320, 180)
    return write_clip(tmp_path / "clip.mp4", scenes((1, 3), (2, 3), (black, 2), (1, 3), (flat, 2)),
                      options={"g": "25", "x264-params": "scenecut=0"})


def test_every_sampled_frame_is_a_row_with_its_reason(clip: Path, tmp_path: Path) -> None:
    answer, rows = sampled(clip, tmp_path)
    assert [row["timestamp"] for row in rows] == [float(second) for second in range(13)]
    assert [row["end"] for row in rows] == [float(second) for second in range(1, 14)]
    assert [row["dropped"] for row in rows] == [
        None, "duplicate", "duplicate", None, "duplicate", "duplicate", "black", "black",
        "duplicate", "duplicate", "duplicate", "blank", "blank"]
    assert [row["duplicate_of"] for row in rows] == [None, 0, 0, None, 3, 3, None, None, 0, 0, 0, None, None]
    assert answer["sampled"] == 13
    assert answer["kept"] == 2
    assert answer["dropped"] == {"black": 2, "blank": 2, "duplicate": 7}
    assert answer["seconds"] == 13.0


def test_kept_frames_and_only_they_hold_a_picture(clip: Path, tmp_path: Path) -> None:
    _, rows = sampled(clip, tmp_path)
    for row in rows:
        assert (row["jpeg"] is None) == (row["dropped"] is not None)
    image = Image.open(io.BytesIO(rows[3]["jpeg"]))
    assert image.format == "JPEG"
    assert image.size == (rows[3]["jpeg_width"], rows[3]["jpeg_height"]) == (320, 180)
    assert np.abs(np.asarray(image).astype(int) - scene(2, 320, 180)).mean() < 15


def test_the_file_has_the_agreed_columns_and_says_what_made_it(clip: Path, tmp_path: Path) -> None:
    params = frames_params()
    answer, _ = sampled(clip, tmp_path)
    out = tmp_path / "frames.parquet"
    assert pq.read_schema(out).equals(FRAMES)
    assert is_done(out, frames_fingerprint("0", params))
    assert not is_done(out, frames_fingerprint("1", params))
    assert read_record(out)["extra"] == json.loads(json.dumps(answer))


def test_the_same_video_gives_the_same_bytes(clip: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    sampled(clip, first)
    sampled(clip, second)
    assert (first / "frames.parquet").read_bytes() == (second / "frames.parquet").read_bytes()


def test_time_limits_and_caps_do_not_make_another_artefact() -> None:
    assert frames_fingerprint("0", frames_params()) == frames_fingerprint("0", frames_params(timeout_seconds=5, max_streams=3))
    assert frames_fingerprint("0", frames_params()) != frames_fingerprint("0", frames_params(jpeg_quality=50))


def test_scenes_mode_takes_the_first_steady_picture_of_each_scene(tmp_path: Path) -> None:
    a, b = scene(1, 320, 180).astype(float), scene(2, 320, 180).astype(float)
    dissolve = [((a + (b - a) * k / 10).astype(np.uint8), 0.04) for k in range(10)]
    path = write_clip(tmp_path / "a.mp4", scenes((1, 2), *dissolve, (2, 2), (3, 1)))
    _, rows = sampled(path, tmp_path, mode="scenes")
    assert [row["timestamp"] for row in rows] == [0.0, pytest.approx(2.4, abs=0.09), pytest.approx(4.4, abs=0.05)]


def test_a_change_of_resolution_keeps_pictures_apart_and_of_one_size(tmp_path: Path) -> None:
    parts = [write_clip(tmp_path / "1.ts", [scene(1, 320, 180)] * 50), write_clip(
        tmp_path / "2.ts", [scene(2, 640, 360)] * 50, times=range(50, 100))]
    path = tmp_path / "a.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    _, rows = sampled(path, tmp_path)
    assert [(row["width"], row["height"]) for row in rows] == [(320, 180), (640, 360)]
    for row, seed in zip(rows, (1, 2), strict=True):
        picture = Image.open(io.BytesIO(row["jpeg"]))
        assert picture.size == (320, 180)
        right, wrong = (np.asarray(Image.fromarray(scene(n, *size)).resize((320, 180)), int)
                        for n, size in sorted({1: (320, 180), 2: (640, 360)}.items(), key=lambda item: item[0] != seed))
        assert np.abs(np.asarray(picture) - right).mean() < 15 < 30 < np.abs(np.asarray(picture) - wrong).mean()


def unusable(path: Path, folder: Path, **changes: object) -> str:
    with pytest.raises(UnusableVideoError) as caught:
        sampled(path, folder, **changes)
    assert not (folder / "frames.parquet").exists()
    assert "\n" not in str(caught.value)
    return caught.value.code


def test_time_that_runs_backwards_is_named(tmp_path: Path) -> None:
    part = write_clip(tmp_path / "1.ts", [scene(n // 10, 160, 96) for n in range(50)], options={"g": "10"})
    path = tmp_path / "a.ts"
    path.write_bytes(part.read_bytes() * 2)
    assert unusable(path, tmp_path) == "bad_timestamps"


def test_one_picture_for_no_time_is_too_short(tmp_path: Path) -> None:
    assert unusable(write_clip(tmp_path / "a.mp4", [scene(1)]), tmp_path) == "too_short"


def test_a_header_that_promises_more_than_there_is_means_truncated(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", [scene(n // 25, 320, 180) for n in range(250)], options={"g": "25"})
    whole = path.read_bytes()
    path.write_bytes(whole[:len(whole) // 2])
    assert unusable(path, tmp_path) == "truncated"


def test_more_pictures_than_the_cap_allows_stop_the_decoding(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", [solid(90, 90, 90, 32, 32)] * 1500, rate=1000, codec="ffv1")
    assert unusable(path, tmp_path, max_frames_per_second=100) == "over_cap"


# --- real media ------------------------------------------------------------------------
@pytest.fixture(scope="module", autouse=True)
def _warm_children() -> None:
    preload(["tasks.frames.sample", "skimage.metrics._structural_similarity", "scipy.ndimage", "pandas"])


def in_child(path: Path, folder: Path, **changes: object) -> tuple[dict[str, Any], list[Row]]:
    params = frames_params(**changes)
    out = folder / f"{path.stem}.parquet"
    answer = run_in_child(
        sample_frames, "file_1", path, out, frames_fingerprint("0", params), params, timeout_seconds=120, memory_megabytes=2000)
    return answer, pq.read_table(out).to_pylist()


NAMED = {"zero_bytes.mp4": "empty_file", "broken_header.mp4": "no_index", "empty13.flv": "damaged",
         "audio_only.mp4": "no_picture", "truncated_talk.mp4": "truncated", "truncated_bunny.webm": "truncated"}
VIDEO_NAMES = (".mp4", ".mov", ".webm", ".avi", ".ogg", ".gif", ".mkv", ".flv")


@pytest.mark.media
def test_every_hard_file_ends_as_rows_or_a_named_reason(media_folder: Path, tmp_path: Path) -> None:
    named = {}
    for path in sorted(p for p in (media_folder / "hard").iterdir() if p.suffix in VIDEO_NAMES):
        try:
            answer, rows = in_child(path, tmp_path)
        except UnusableVideoError as error:
            named[path.name] = error.code
            continue
        assert answer["sampled"] == len(rows) == answer["kept"] + sum(answer["dropped"].values()) > 0
        assert set(answer["dropped"]) <= set(FRAME_DROPS)
        assert rows[0]["timestamp"] == pytest.approx(0, abs=0.05)
        assert rows[-1]["end"] == answer["seconds"]
        assert all(row["end"] == following["timestamp"] for row, following in pairwise(rows))
    assert named == NAMED


@pytest.mark.media
def test_a_still_title_card_is_kept_once(media_folder: Path, tmp_path: Path) -> None:
    answer, _ = sampled(media_folder / "video-speech/manifesto.mp4", tmp_path)
    assert answer["kept"] == 1


@pytest.mark.media
@pytest.mark.parametrize("mode", ["auto", "interval"])
def test_the_five_hands_are_kept(media_folder: Path, tmp_path: Path, mode: str) -> None:
    """Each number is said about when its hand is up: 5.2, 8.5, 13.3, 16.9 and 20.2 s."""
    _, rows = sampled(media_folder / "video-speech/count_fingers_english.mp4", tmp_path, mode=mode, every_seconds=1.5)
    hands = []
    for spoken in (5.3, 8.55, 13.3, 16.9, 20.2):
        row = next(row for row in rows if row["timestamp"] <= spoken < row["end"])
        hands.append(row["duplicate_of"] if row["dropped"] == "duplicate" else row["frame"])
    assert len(set(hands)) == 5
    assert all(rows[hand]["dropped"] is None for hand in hands)


@pytest.mark.media
def test_slides_are_kept_once_each(media_folder: Path, tmp_path: Path) -> None:
    """Title, What, Why, two pages of the demo, T-shirts, Get it, Connect: about nine."""
    answer, _ = sampled(media_folder / "video-speech/laion_talk_slides.mp4", tmp_path)
    assert 8 <= answer["kept"] <= 10


@pytest.mark.media
def test_noise_is_kept_apart(media_folder: Path, tmp_path: Path) -> None:
    answer, _ = sampled(media_folder / "hard/tiny_noise_50x50.mp4", tmp_path, mode="interval", every_seconds=0.2)
    assert answer["kept"] == answer["sampled"] == 5


@pytest.mark.media
@pytest.mark.parametrize("mode", ["auto", "interval", "scenes"])
def test_three_flat_colours_of_a_counter_are_three_pictures(media_folder: Path, tmp_path: Path, mode: str) -> None:
    _, rows = sampled(media_folder / "hard/counter.mp4", tmp_path, mode=mode, every_seconds=1.0)
    assert [row["timestamp"] for row in kept(rows)] == [0.0, 1.0, 2.0]


@pytest.mark.media
def test_five_pictures_of_one_pixel_are_seen_in_their_colours(media_folder: Path, tmp_path: Path) -> None:
    _, rows = sampled(media_folder / "hard/one_pixel_1fps.mp4", tmp_path, mode="interval", every_seconds=1.0)
    assert [row["timestamp"] for row in rows] == [0, 1, 2, 3, 4]
    assert [row["dropped"] for row in rows] == ["blank", "blank", "blank", "black", "blank"]
    # Red, green, blue, black, white: Cr highest for red, lowest for green; Cb highest for blue; then luma.
    _, blue_difference, red_difference = np.array([list(row["layout"][:3]) for row in rows]).T
    assert int(np.argmax(red_difference)) == 0
    assert int(np.argmin(red_difference)) == 1
    assert int(np.argmax(blue_difference)) == 2
    assert rows[4]["luma"] > 250


@pytest.mark.media
def test_the_four_nature_pictures_are_kept_and_the_black_between_them_is_not(media_folder: Path, tmp_path: Path) -> None:
    _, rows = sampled(media_folder / "hard/scene_video.mp4", tmp_path)
    for start, end in ((1, 6), (7, 12), (13, 17.5), (18.5, 23.5)):
        assert any(start <= row["timestamp"] < end for row in kept(rows)), (start, end)
    assert rows[0]["dropped"] == "black"
    assert any(row["dropped"] == "black" for row in rows if 5.9 <= row["timestamp"] <= 7)
    assert any(row["dropped"] == "black" for row in rows if 11.5 <= row["timestamp"] <= 13)


@pytest.mark.media
def test_a_trailer_that_fades_has_black_frames_and_pictures(media_folder: Path, tmp_path: Path) -> None:
    _, rows = sampled(media_folder / "hard/sintel_trailer_10s_noaudio.mp4", tmp_path, mode="interval", every_seconds=0.5)
    assert {"black", None} <= {row["dropped"] for row in rows}
    assert all(row["luma"] < 20 for row in rows if row["dropped"] == "black")


@pytest.mark.media
def test_the_last_picture_of_a_recording_without_a_duration_ends_with_it(media_folder: Path, tmp_path: Path) -> None:
    answer, rows = sampled(media_folder / "hard/no_duration.webm", tmp_path)
    assert rows[-1]["end"] == answer["seconds"] == pytest.approx(4.94, abs=0.07)  # 74 pictures at 14.99 a second


# --- damage ------------------------------------------------------------------------------
def mutants(whole: bytes, count: int) -> Iterator[bytes]:
    rng = np.random.default_rng(20261120)
    for number in range(count):
        damaged = bytearray(whole)
        at = int(rng.integers(0, len(whole) - 64))
        match number % 4:
            case 0:
                damaged[at:at + 64] = rng.bytes(64)
            case 1:
                damaged[at] ^= 1 << int(rng.integers(8))
            case 2:
                damaged[at:] = b""
            case _:
                damaged[at:at + 2000] = bytes(len(damaged[at:at + 2000]))
        yield bytes(damaged)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.webm"])
def test_damaged_copies_end_as_rows_or_a_named_reason(tmp_path: Path, name: str) -> None:
    options = {"libx264": {"g": "12", "movflags": "+faststart"}, "libvpx": {"g": "12", "deadline": "realtime"}}
    codec = "libx264" if name.endswith("mp4") else "libvpx"
    whole = write_clip(tmp_path / name, scenes((1, 1), (2, 1), (3, 1)), codec=codec, options=options[codec]).read_bytes()
    outcomes = []
    for number, damaged in enumerate(mutants(whole, 20)):
        path = tmp_path / f"{number}{name[4:]}"
        path.write_bytes(damaged)
        try:
            answer, rows = in_child(path, tmp_path)
            assert answer["sampled"] == len(rows) > 0
            outcomes.append("rows")
        except UnusableVideoError as error:
            outcomes.append(error.code)
    assert len(outcomes) == 20
    assert set(outcomes) - {"rows"}, "some of these files are beyond use"
    assert "rows" in outcomes, "and some are hardly touched"
