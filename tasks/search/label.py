"""A picture to words: the likeliest of the vocabulary, with calibrated probabilities."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tasks.errors import InputError
from tasks.nets.pictures import decode_picture

if TYPE_CHECKING:
    from tasks.nets.store import TrainedNet

MAX_FILE_BYTES = 200_000_000


@dataclass(frozen=True)
class Labelled:
    """words: (word, probability that the picture shows it), likeliest first."""

    path: Path
    words: tuple[tuple[str, float], ...]


def label_picture(path: Path, net: "TrainedNet", words: int) -> Labelled:
    """The likeliest words for a picture file. Raises InputError when it cannot be read or is no picture."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InputError(f"{path.stat().st_size:,} bytes", f"give a picture of at most {MAX_FILE_BYTES:,}")
        picture = decode_picture(path.read_bytes(), net.spec.picture_px)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})", "give a JPEG or PNG file") from error
    except InputError as error:
        raise InputError(f"{path}: {error.problem}", error.remedy) from error
    chances = net.probabilities(net.embed_pictures(picture[None]))[0]
    best = np.argsort(-chances, kind="stable")[:words]
    return Labelled(path, tuple((net.vocabulary[place], float(chances[place])) for place in best))
