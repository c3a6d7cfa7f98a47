from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tasks.errors import InputError
from tasks.nets.store import TrainedNet
from tasks.search.words import Query, Vectors, open_words, read_query
from tests.search.world import colour_net, make_words, unit

WORDS = make_words(["bread", "knife", "onion"], unit([[1, 0, 0], [0, 1, 0], [0, 0, 1]]))
LEMMAS = {"knives": "knife", "onions": "onion"}


def ask(*asked: str, unknown: Vectors | None = None) -> Query:
    def embed(words: Sequence[str]) -> Vectors:
        assert unknown is not None, f"known words need no net: {words}"
        return np.repeat(unknown[None], len(words), axis=0)

    return read_query(asked, WORDS, embed, lambda word: LEMMAS.get(word, word))


def test_known_words_are_their_vectors_in_order() -> None:
    query = ask("onion", "Bread")
    assert [term.text for term in query.terms] == ["onion", "Bread"]
    assert np.array_equal(np.stack([term.vector for term in query.terms]), [[0, 0, 1], [1, 0, 0]])
    assert query.notes == ()


def test_inflected_words_are_known_by_their_lemma() -> None:
    assert np.array_equal(ask("knives").terms[0].vector, [0, 1, 0])


def test_a_phrase_is_one_term_between_its_known_words() -> None:
    query = ask("cut the onions with a knife")
    assert len(query.terms) == 1
    assert query.terms[0].vector == pytest.approx(unit([0, 1, 1]))


def test_an_unknown_word_among_known_ones_is_guessed_and_said_with_the_nearest() -> None:
    query = ask("bread", "knifes", unknown=unit([0.6, 0.8, 0]))
    assert query.notes == ("knifes: not a word the net knows, guessed from its letters; nearest known: knife, bread, onion",)
    assert [term.weight for term in query.terms] == [1, pytest.approx(0.8)]  # its nearest word has cosine 0.8


def test_only_unknown_words_are_refused_in_one_line_with_the_nearest() -> None:
    with pytest.raises(InputError) as refused:
        ask("onoin", "zebra", unknown=unit([0.9, 0.3, 0.1]))
    assert refused.value.problem == "; ".join(f"{word}: not among the 3 words the net knows" for word in ("onoin", "zebra"))
    assert refused.value.remedy.startswith("nearest known: onion")


@pytest.mark.parametrize("asked", [[""], ["  ", ""]])
def test_nothing_asked_is_refused(asked: list[str]) -> None:
    with pytest.raises(InputError, match="no word to look for"):
        ask(*asked)


def test_words_are_kept_so_that_the_net_is_loaded_once(tmp_path: Path) -> None:
    net = colour_net()
    loads: list[TrainedNet] = []

    def load() -> TrainedNet:
        loads.append(net)
        return net

    first, again = (open_words(tmp_path / "index", load) for _ in range(2))
    assert len(loads) == 1
    assert first.vocabulary == again.vocabulary == ("blue", "green", "red")
    assert np.array_equal(again.vectors, [[0, 0, 1], [0, 1, 0], [1, 0, 0]])
    # 10: the scale a net starts with
    assert again.factor == pytest.approx(10.0)
    assert again.intercepts.tolist() == [3, 3, 3]
