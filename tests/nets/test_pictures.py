"""What a net is shown: one size, whatever the picture was."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tasks.errors import InputError
from tasks.nets.pictures import GREY, decode_picture, picture_size


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def halves(width: int, height: int) -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", (width, height), (200, 0, 0))
    image.paste((0, 0, 200), (width // 2, 0, width, height))
    return image


@pytest.mark.parametrize(("width", "height"), [(640, 360), (128, 72), (40, 30), (360, 640), (1920, 1080)])
def test_any_shape_becomes_the_nets_with_what_was_left_on_the_left(width: int, height: int) -> None:
    picture = decode_picture(encoded(halves(width, height), quality=95), 72)
    assert picture.shape == (*picture_size(72), 3) == (72, 128, 3)
    assert picture[36, 10].argmax() == 0
    assert picture[36, 118].argmax() == 2


def test_a_very_long_picture_is_shown_whole_between_bands() -> None:
    picture = decode_picture(encoded(halves(3000, 50), quality=95), 72)
    assert np.abs(picture[2, 64].astype(int) - GREY).max() < 3
    assert picture[36, 10].argmax() == 0
    assert picture[36, 118].argmax() == 2


def test_a_turned_photograph_is_put_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    picture = decode_picture(encoded(halves(320, 180), quality=95, exif=exif), 72)
    assert picture[36, 10].argmax() == 2


def test_what_is_transparent_is_grey() -> None:
    picture = decode_picture(encoded(Image.new("RGBA", (64, 36), (255, 0, 0, 0)), "PNG"), 72)
    assert np.abs(picture.astype(int) - GREY).max() <= 1


@pytest.mark.parametrize("content", [
    b"", b"not a picture", encoded(halves(64, 36))[:200], b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    encoded(Image.new("1", (8000, 8000)), "PNG")])
def test_what_is_no_picture_is_one_line(content: bytes) -> None:
    with pytest.raises(InputError) as caught:
        decode_picture(content, 72)
    assert "\n" not in str(caught.value)
