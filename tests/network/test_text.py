"""One line, escaped, masked, capped."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from tasks.network.text import clean, shown

ANYTHING = st.text(st.characters())  # surrogates and control characters too


@given(ANYTHING)
def test_whatever_is_shown_is_one_printable_line_of_bounded_length(text: str) -> None:
    line = shown(text)
    assert line.isprintable()
    assert len(line) <= 83


@given(ANYTHING, st.integers(1, 50))
def test_what_is_stored_has_no_control_characters_and_fits(text: str, limit: int) -> None:
    stored = clean(text, limit)
    assert not {unicodedata.category(character) for character in stored} & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    assert len(stored) <= limit
    stored.encode()


def test_terminal_codes_and_direction_overrides_are_taken_out_of_titles() -> None:
    assert clean("a\x1b[2Jb\n\n c\u202egpj.exe\x07", 300) == "a[2Jb cgpj.exe"
    assert len(clean("x" * 1_000_000, 300)) == 300


def test_an_escape_code_is_shown_as_text() -> None:
    assert shown("a\x1b]52;c;\x07\n") == r"a\x1b]52;c;\x07\n"


def test_credentials_are_never_shown() -> None:
    assert shown("see https://user:s3cret@host/v") == "see https://***@host/v"
