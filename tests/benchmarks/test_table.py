import pytest

from tests.benchmarks.__main__ import Figure, benchmarks, figures, meets, table


@pytest.mark.parametrize(
    ("figure", "met"),
    [
        ({"ratio": 12.0, "bar": 10}, True), ({"ratio": 8.0, "bar": 10}, False), ({"value": 18.0, "bar": 20}, True),
        ({"value": 21.0, "bar": 20}, False), ({"ratio": 1.04, "bar": 1.05, "at_most": True}, True),
        ({"ratio": 3.0, "bar": None}, None), ({"ece": 0.02}, None),
    ],
)  # fmt: skip
def test_ratios_must_reach_their_bar_and_values_stay_below_theirs(figure: Figure, met: bool | None) -> None:
    assert meets(figure) is met


def test_the_table_shows_what_was_measured_beside_its_bar() -> None:
    found: list[Figure] = [{"bench": "hash", "ratio": 16.5, "bar": 8}, {"bench": "words", "value": 3}, {"bench": "curve"}]
    assert table(found).splitlines() == ["figure  measured  bar  met", "hash    16.5      8    yes", "words   3"]


def test_lines_that_are_no_figures_are_left_out() -> None:
    assert list(figures(iter(["making videos\n", '{"bench": "x", "ratio": 2}\n']))) == [{"bench": "x", "ratio": 2}]


def test_a_benchmark_that_does_not_exist_is_named() -> None:
    with pytest.raises(SystemExit, match="nosuch: no such benchmark"):
        benchmarks(["nosuch"])
