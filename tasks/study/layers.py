"""The layers of a net as matrices: outputs by inputs."""

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tasks.nets.store import TrainedNet

Matrix = NDArray[np.floating]


def layers_of(net: "TrainedNet", words: Collection[str]) -> dict[str, Matrix]:
    """Weights with two or more dimensions, in order from picture to space, then words.

    A convolution (out, in, height, width) becomes (out, in * height * width). Of the table of words only the rows that some
    words, which the net has learnt, use are taken: the others were never trained.
    """
    from tasks.nets.words import word_parts

    used = sorted({row for word in words for row in word_parts(word, net.spec.buckets)})
    layers = {}
    for name, value in net.towers.state_dict().items():
        if value.ndim < 2:
            continue
        matrix = value.detach().cpu().numpy().astype(np.float64)
        layers[name.removesuffix(".weight")] = matrix[used].T if name == "words.table.weight" else matrix.reshape(len(matrix), -1)
    return layers
