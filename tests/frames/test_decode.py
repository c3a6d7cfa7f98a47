from bisect import bisect_right
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tasks.frames.container import open_picture
from tasks.frames.decode import Decoder
from tasks.frames.demux import Demux
from tasks.frames.plan import Interval, Keyframes, Planner, every_picture
from tests.frames.clips import Picture, frames_params, scene, solid, write_clip


def numbered(count: int) -> list[Picture]:
    """Pictures that say which one they are: 8 stripes, light for a 1 of the number in binary."""
    pictures = []
    for number in range(count):
        stripes = [200 if number >> bit & 1 else 40 for bit in range(8)]
        pictures.append(np.repeat(np.tile(np.repeat(stripes, 16), (64, 1))[..., None], 3, axis=2).astype(np.uint8))
    return pictures


def number_of(frame: av.VideoFrame) -> int:
    stripes = frame.to_ndarray(format="gray").reshape(64, 8, 16).mean(axis=(0, 2))
    return sum(1 << bit for bit in range(8) if stripes[bit] > 120)


def seen(path: Path, planner: Planner) -> list[tuple[float, int]]:
    params = frames_params()
    with open_picture(path, params) as (container, stream):
        return [(time, number_of(frame)) for time, frame in Decoder(Demux(path, container, stream, params), planner).frames()]


CODECS: dict[str, dict[str, Any]] = {
    "b_pyramid.mp4": {"options": {"g": "37", "bf": "3", "x264-params": "b-pyramid=normal:scenecut=0"}},
    "open_gop.mkv": {"codec": "libx265", "options": {
        "x265-params": "keyint=20:min-keyint=20:bframes=4:open-gop=1:scenecut=0:log-level=0"}},
    "open_gop.ts": {"codec": "mpeg2video", "options": {"g": "15", "bf": "2", "b": "4000000"}},
    "one_keyframe.mp4": {"options": {"g": "10000", "bf": "2", "x264-params": "scenecut=0"}},
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"g": "40", "deadline": "realtime", "cpu-used": "8"}},
    "keyframes_only.avi": {"codec": "mjpeg", "pixel_format": "yuvj420p"},
}


@pytest.mark.parametrize("name", CODECS)
def test_interval_shows_exactly_the_picture_on_screen_at_each_moment(tmp_path: Path, name: str) -> None:
    path = write_clip(tmp_path / name, numbered(220), **CODECS[name])
    got = seen(path, Interval(0.7))
    late = round(got[0][0] * 25)  # a transport stream's clock begins before its first picture
    assert late <= (2 if name.endswith(".ts") else 0)
    on_screen = [k * 7 * 25 // 10 for k in range(13)]  # pictures last 1/25 s
    assert [number for _, number in got] == [max(number - late, 0) for number in on_screen]
    assert [round(time * 25) - late for time, _ in got] == [number for _, number in got]


def test_interval_holds_the_picture_of_a_variable_frame_rate(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    times = np.cumsum(rng.choice([1, 2, 5, 30, 80], 120)).tolist()
    path = write_clip(tmp_path / "vfr.mkv", numbered(120), times=times, options={"g": "30", "bf": "2"})
    end = times[-1] / 25
    moments = [k * 1.5 for k in range(int(end / 1.5) + 1)]
    on_screen = {max(bisect_right(times, moment * 25 + 1e-3) - 1, 0) for moment in moments}
    got = seen(path, Interval(1.5))
    assert [number for _, number in got] == sorted(on_screen)
    assert [time for time, _ in got] == pytest.approx([times[number] / 25 for _, number in got], abs=2e-3)


def test_keyframes_come_with_their_own_times(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", numbered(100), options={"g": "24", "bf": "3", "x264-params": "scenecut=0"})
    assert seen(path, Keyframes(3.0, adapt=False)) == [(n / 25, n) for n in (0, 24, 48, 72, 96)]


def test_every_picture_is_decoded_once_and_in_order(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", numbered(60), options={"g": "24", "bf": "3"})
    assert seen(path, every_picture) == [(n / 25, n) for n in range(60)]


def still(seed: int, count: int) -> list[Picture]:
    return [scene(seed, 320, 180)] * count


NO_SCENE_CUTS = {"g": "250", "bf": "3", "x264-params": "scenecut=0"}


def times(path: Path, planner: Planner) -> list[float]:
    params = frames_params()
    with open_picture(path, params) as (container, stream):
        return [time for time, _ in Decoder(Demux(path, container, stream, params), planner).frames()]


def test_a_cut_without_a_keyframe_is_found_at_its_own_picture(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", still(1, 60) + still(2, 70) + still(3, 70), options=NO_SCENE_CUTS)
    assert times(path, Keyframes(3.0, adapt=False)) == [0.0]
    # Within the three B pictures that may be shown before the large packet.
    assert times(path, Keyframes(3.0, adapt=True)) == [0.0, pytest.approx(2.4, abs=0.13), pytest.approx(5.2, abs=0.13)]


def test_a_dissolve_without_a_keyframe_is_looked_at_when_it_is_over(tmp_path: Path) -> None:
    a, b = scene(1, 320, 180).astype(float), scene(2, 320, 180).astype(float)
    mixed = [(a + (b - a) * k / 15).astype(np.uint8) for k in range(15)]
    path = write_clip(tmp_path / "a.mp4", still(1, 60) + mixed + still(2, 75), options=NO_SCENE_CUTS)
    start, settled = times(path, Keyframes(3.0, adapt=True))
    assert start == 0.0
    assert settled == pytest.approx(75 / 25, abs=0.2)


def test_a_still_picture_costs_one_look_per_keyframe(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", still(1, 250), options={"g": "125"})
    assert times(path, Keyframes(3.0, adapt=True)) == [0.0, 5.0]


def test_keyframes_too_far_apart_are_filled_in(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", [solid(90, 90, 90)] * 200, rate=10, options={"g": "1000"})
    moments = times(path, Keyframes(3.0, adapt=True))
    assert moments[0] == 0.0
    assert max(b - a for a, b in zip(moments, [*moments[1:], 20.0], strict=True)) <= 3.2
