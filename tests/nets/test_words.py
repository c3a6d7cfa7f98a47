"""Any word has a vector, without a new shape."""

import torch

from tasks.nets.words import WordTower, word_parts


def cosines(tower: WordTower, *words: str) -> torch.Tensor:
    with torch.no_grad():
        vectors = tower.embed(*tower.parts(words))
    return vectors @ vectors.T


def test_parts_are_the_word_and_its_runs_of_three_to_five_letters() -> None:
    assert len(word_parts("pan", 1 << 30)) == 1 + 3 + 2 + 1  # =<pan>; <pa pan an>; <pan pan>; <pan>
    assert word_parts("pan", 64) == word_parts("PAN", 64)
    assert all(0 <= part < 64 for part in word_parts("saucepan", 64))


def test_a_new_word_is_near_its_relatives() -> None:
    torch.manual_seed(0)
    near = cosines(WordTower(1 << 14, 64), "onions", "onion", "bridge")
    assert near[0, 1] > 0.4
    assert abs(near[0, 2]) < 0.4


def test_vectors_are_of_unit_length_and_do_not_depend_on_the_words_beside_them() -> None:
    torch.manual_seed(0)
    tower = WordTower(512, 16)
    alone, beside = tower(["egg"]), tower(["", "egg", "naïve café", "x" * 500])
    assert torch.allclose(beside.norm(dim=1), torch.ones(4), atol=1e-6)
    assert torch.equal(alone[0], beside[1])
    assert tower([]).shape == (0, 16)
