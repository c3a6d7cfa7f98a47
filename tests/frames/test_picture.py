import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import imagehash
import numpy as np
import pytest
from PIL import Image

from tasks.frames.picture import Lens
from tests.frames.clips import Picture, scene, solid, write_clip

BT601, BT709, LIMITED, FULL = 5, 1, 1, 2
BRICK = (200, 60, 40)
LOSSLESS = {"qp": "0"}


def first_frame(path: Path) -> Any:
    with av.open(str(path)) as container:
        return next(container.decode(video=0))


def stored(frame: Any, **lens: Any) -> Picture:
    jpeg, width, height = Lens("dct-grey32-v1", **lens).jpeg(frame, 95, 360)
    picture = np.asarray(Image.open(io.BytesIO(jpeg)))
    assert picture.shape == (height, width, 3)
    return picture


@pytest.mark.parametrize(("name", "made"), [
    ("untagged.mp4", {"options": LOSSLESS}),
    ("bt709.mp4", {"options": LOSSLESS, "colours": {"colorspace": BT709, "color_range": LIMITED}}),
    ("full_range.mp4", {"options": LOSSLESS, "colours": {"colorspace": BT601, "color_range": FULL}}),
    ("ten_bit.mp4", {"options": LOSSLESS, "pixel_format": "yuv420p10le"}),
    ("rgb.mkv", {"codec": "ffv1", "pixel_format": "bgr0"}),
    ("motion_jpeg.avi", {"codec": "mjpeg", "pixel_format": "yuvj420p"}),
])
def test_colours_come_out_as_they_went_in(tmp_path: Path, name: str, made: dict[str, Any]) -> None:
    picture = stored(first_frame(write_clip(tmp_path / name, [solid(*BRICK)] * 2, **made)))
    assert np.abs(picture.astype(int) - BRICK).max() <= 6


def test_a_large_picture_that_names_no_matrix_is_bt709_as_players_take_it(tmp_path: Path) -> None:
    wall = solid(*BRICK, width=1280, height=720)
    path = write_clip(tmp_path / "hd.mkv", [wall] * 2, codec="ffv1", colours={"colorspace": BT709})
    frame = first_frame(path)
    frame.colorspace = 2  # unspecified
    assert np.abs(stored(frame).astype(int) - BRICK).max() <= 6


def test_odd_sizes_keep_every_pixel(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "odd.mkv", [scene(0, 67, 35)] * 2, codec="ffv1", pixel_format="yuv444p")
    assert stored(first_frame(path)).shape == (35, 67, 3)


def test_black_and_white_line_art_is_grey_and_full_range(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "mono.avi", [solid(255, 255, 255)] * 2, codec="rawvideo", pixel_format="monow")
    look = Lens("dct-grey32-v1").look(first_frame(path))
    assert look.luma == pytest.approx(255, abs=1)
    assert look.layout.reshape(-1, 3)[0].tolist() == pytest.approx([255, 128, 128], abs=1)


def test_interlaced_pictures_show_one_moment_only(tmp_path: Path) -> None:
    stripes = solid(50, 50, 50)
    stripes[::2] = 200
    path = write_clip(tmp_path / "interlaced.mp4", [stripes] * 3,
                      options={**LOSSLESS, "flags": "+ilme+ildct", "x264-params": "tff=1"})
    frame = first_frame(path)
    assert frame.interlaced_frame
    inside = stored(frame)[8:-8, 8:-8].astype(int)
    assert min(np.abs(inside - 200).max(), np.abs(inside - 50).max()) <= 6


def test_pixels_that_are_not_square_are_made_square(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "pal.mkv", [scene(0, 72, 58)] * 2, codec="ffv1", pixel_format="yuv444p")
    lens = Lens("dct-grey32-v1", pixel_aspect=Fraction(64, 45))
    assert lens.look(first_frame(path)).width == 102  # 72 x 64/45


def test_pictures_are_lowered_to_the_wanted_height_and_never_raised(tmp_path: Path) -> None:
    frame = first_frame(write_clip(tmp_path / "a.mp4", [scene(0, 128, 96)] * 2))
    assert Lens("dct-grey32-v1").jpeg(frame, 85, 48)[1:] == (64, 48)
    assert Lens("dct-grey32-v1").jpeg(frame, 85, 1000)[1:] == (128, 96)


def test_the_imagehash_setting_is_bit_identical_on_the_rgb_picture(tmp_path: Path) -> None:
    for seed in range(5):
        frame = first_frame(write_clip(tmp_path / f"{seed}.mp4", [scene(seed, 320, 180)] * 2))
        rgb = Lens("imagehash").rgb(frame)
        assert Lens("imagehash").look(frame).phash == int(str(imagehash.phash(rgb)), 16)


def test_measures_follow_their_definitions(tmp_path: Path) -> None:
    halves = np.zeros((90, 160, 3), np.uint8)
    halves[:, 80:] = 200
    path = write_clip(tmp_path / "a.mkv", [halves] * 2, codec="ffv1", pixel_format="yuv444p")
    look = Lens("dct-grey32-v1").look(first_frame(path))
    assert look.luma == pytest.approx(100, abs=1)
    assert look.contrast == pytest.approx(100, abs=1)
    assert look.layout[:, :2, 0].max() <= 1
    assert look.layout[:, 2:, 0].min() >= 199
    # Only the two columns at the edge answer, with +200 and -200: variance = 2 x 200^2 / 158 columns.
    assert look.sharpness == pytest.approx(2 * 200**2 / 158, rel=0.03)


@pytest.mark.media
@pytest.mark.parametrize(("name", "size"), [("rot0.mov", (568, 320)), ("rot90.mov", (320, 568)), ("rot180.mov", (568, 320))])
def test_rotation_metadata_is_applied(media_folder: Path, name: str, size: tuple[int, int]) -> None:
    frame = first_frame(media_folder / "hard" / name)
    lens = Lens("dct-grey32-v1")
    look = lens.look(frame)
    assert (look.width, look.height) == size
    _, width, height = lens.jpeg(frame, 85, 1000)
    assert (width, height) == size
    assert look.small.shape[0] / look.small.shape[1] == pytest.approx(size[1] / size[0], rel=0.02)


@pytest.mark.media
def test_rotation_turns_the_picture_the_right_way(media_folder: Path) -> None:
    """-90 means a quarter turn clockwise: the top row of the stored picture becomes the right column."""
    frame = first_frame(media_folder / "hard" / "rot90.mov")
    lying = frame.to_ndarray(format="rgb24").astype(int)
    upright = np.asarray(Lens("dct-grey32-v1").rgb(frame)).astype(int)
    assert np.abs(upright - np.rot90(lying, -1)).mean() < 3
