"""From JPEG bytes to what a net is shown: one rule for training, search and labelling."""

import io
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from tasks.errors import InputError

MAX_PIXELS = 33_177_600  # 8K
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
BAND_RATIO = 4.0  # a picture this much wider or higher than the net's is shown whole, between grey bands
GREY = (124, 116, 104)  # mean colour of natural pictures (ImageNet)


def picture_size(picture_px: int) -> tuple[int, int]:
    """(height, width) that a net is shown."""
    return picture_px, picture_px * 16 // 9


def decode_picture(content: bytes, picture_px: int) -> NDArray[np.uint8]:
    """RGB (height, width, 3), resized to the net's shape. Of a transparent or moving picture: its first, on grey.

    A JPEG is decoded at the smallest scale that is not below the wanted size, which saves most of the work.
    Raises InputError when it is no picture, or too large a one.
    """
    height, width = picture_size(picture_px)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise InputError(f"picture of {image.width} x {image.height} px", f"keep it below {MAX_PIXELS} px")
                image.draft("RGB", (width, height))
                return fit_picture(_upright_rgb(image), picture_px)
    except UnidentifiedImageError as error:  # its own message names an address in memory
        raise InputError("no picture", "give a whole JPEG or PNG") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0][:100]
        raise InputError(f"no picture ({said})", "give a whole JPEG or PNG") from error


def fit_picture(image: Image.Image, picture_px: int) -> NDArray[np.uint8]:
    """An RGB picture in the net's shape, (height, width, 3). Stretched; a very long one gets bands first."""
    height, width = picture_size(picture_px)
    shape = image.width / image.height / (width / height)
    if not 1 / BAND_RATIO < shape < BAND_RATIO:
        size = (max(image.width, image.height * width // height), max(image.height, image.width * height // width))
        scale = min(1.0, 4 * width / size[0])
        canvas = Image.new("RGB", (max(1, round(size[0] * scale)), max(1, round(size[1] * scale))), GREY)
        small = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))), Image.Resampling.BOX)
        canvas.paste(small, ((canvas.width - small.width) // 2, (canvas.height - small.height) // 2))
        image = canvas
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR), dtype=np.uint8)


def _upright_rgb(image: Image.Image) -> Image.Image:
    upright = ImageOps.exif_transpose(image)
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        upright = upright.convert("RGBA")
        ground = Image.new("RGBA", upright.size, (*GREY, 255))
        upright = Image.alpha_composite(ground, upright)
    return upright.convert("RGB")
