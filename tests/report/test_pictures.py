"""Kept frames made small."""

import base64
import io

import pytest
from PIL import Image

from tasks.report.pictures import shrink
from tests.report.conftest import jpeg


def picture(kind: str, size: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "teal").save(buffer, kind)
    return buffer.getvalue()


def test_a_small_picture_keeps_its_shape_and_colour() -> None:
    small = shrink(picture("JPEG", (640, 360)), 160, 60)
    assert small is not None
    assert (small.width, small.height) == (160, 90)
    image = Image.open(io.BytesIO(base64.b64decode(small.address.removeprefix("data:image/webp;base64,"))))
    assert image.size == (160, 90)
    assert image.convert("RGB").getpixel((80, 45)) == pytest.approx((0, 128, 128), abs=6)  # teal


def test_a_picture_is_never_enlarged() -> None:
    small = shrink(picture("JPEG", (100, 50)), 160, 60)
    assert small is not None
    assert (small.width, small.height) == (100, 50)


@pytest.mark.parametrize("spoilt", [
    b"", b"<svg onload=alert(1)>", jpeg(0)[:200], picture("PNG", (32, 32)), picture("GIF", (32, 32)),
], ids=["empty", "markup", "cut", "png", "gif"])
def test_what_is_no_whole_jpeg_gives_no_picture(spoilt: bytes) -> None:
    assert shrink(spoilt, 160, 60) is None
