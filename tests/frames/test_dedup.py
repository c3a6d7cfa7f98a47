import av
import numpy as np
from PIL import Image, ImageDraw, ImageEnhance

from tasks.frames.dedup import Kept
from tasks.frames.picture import Lens, Look
from tests.frames.clips import Picture, frames_params

PARAMS = frames_params()


def look(picture: Picture | Image.Image) -> Look:
    return Lens(PARAMS.hash).look(av.VideoFrame.from_ndarray(np.asarray(picture, np.uint8), "rgb24"))


def table(objects: str = "", seed: int = 0) -> Image.Image:
    """A kitchen with soft shading, and in it the objects named: a red disc or a blue box, at one place."""
    shade = np.add.outer(np.linspace(90, 160, 360), np.linspace(0, 40, 640))
    grain = np.random.default_rng(seed).normal(0, 3, (360, 640))
    wood = np.stack([shade, shade * 0.8, shade * 0.6], axis=-1) + grain[..., None]
    image = Image.fromarray(np.clip(wood, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for x, y, level in ((20, 30, 70), (130, 60, 220), (430, 20, 60), (540, 180, 230), (60, 210, 200), (450, 260, 50)):
        draw.rectangle((x, y, x + 90, y + 80), fill=(level, level, level * 3 // 4))
    if "disc" in objects:
        draw.ellipse((260, 120, 380, 240), fill=(200, 40, 40))
    if "box" in objects:
        draw.rectangle((270, 110, 370, 250), fill=(40, 60, 200))
    return image


def found(first: Picture | Image.Image, second: Picture | Image.Image) -> bool:
    kept = Kept(PARAMS.duplicate_bits, PARAMS.ssim_min)
    kept.add(0, look(first))
    return kept.find(look(second)) == 0


def test_repeats_that_differ_in_light_noise_or_caption_are_one_picture() -> None:
    picture = table("disc")
    captioned = picture.copy()
    ImageDraw.Draw(captioned).rectangle((180, 310, 460, 345), fill=(0, 0, 0))
    noisy = np.clip(np.asarray(picture) + np.random.default_rng(1).normal(0, 6, (360, 640, 3)), 0, 255).astype(np.uint8)
    for repeat in (picture, table("disc", seed=5), ImageEnhance.Brightness(picture).enhance(1.18),
                   ImageEnhance.Brightness(picture).enhance(0.84), ImageEnhance.Contrast(picture).enhance(1.2),
                   noisy, captioned, picture.resize((320, 180)).resize((640, 360))):
        assert found(picture, repeat)


def test_two_objects_on_the_same_table_are_two_pictures() -> None:
    assert not found(table("disc"), table("box"))
    assert not found(table(""), table("disc"))


def test_the_same_shape_in_another_colour_is_another_picture() -> None:
    red = np.full((360, 640, 3), (200, 60, 60), np.uint8)
    teal = np.full((360, 640, 3), (0, 142, 157), np.uint8)
    assert abs(look(red).luma - look(teal).luma) < 5
    assert not found(red, teal)
    assert found(red, red)


def test_flat_pictures_of_another_brightness_are_other_pictures() -> None:
    assert not found(np.full((360, 640, 3), 90, np.uint8), np.full((360, 640, 3), 160, np.uint8))


def test_a_picture_that_comes_back_much_later_is_known_and_named() -> None:
    kept = Kept(PARAMS.duplicate_bits, PARAMS.ssim_min)
    for number in range(600):
        noise = np.random.default_rng(number).integers(0, 256, (9, 16, 3), dtype=np.uint8)
        kept.add(number, look(np.repeat(np.repeat(noise, 20, 0), 20, 1)))
    again = np.random.default_rng(7).integers(0, 256, (9, 16, 3), dtype=np.uint8)
    assert kept.find(look(np.repeat(np.repeat(again, 20, 0), 20, 1))) == 7
