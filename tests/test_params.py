"""params.yaml is read strictly: every mistake is one line that says what to do."""

from pathlib import Path

import pytest

from tasks.errors import ParamsError
from tasks.params import load_params

REPOSITORY = Path(__file__).parents[1]
SHIPPED = REPOSITORY / "params.yaml"


def test_the_shipped_settings_are_valid() -> None:
    params = load_params(SHIPPED)
    assert params.frames.mode == "auto"


@pytest.mark.parametrize(("old", "new", "said"), [
    ("mode: auto", "mode: often", r"frames\.mode is 'often'"),
    ("every_seconds: 3.0", "every_seconds: 0", r"frames\.every_seconds is 0"),
    ("every_seconds: 3.0", "every_seconds: -1", r"frames\.every_seconds is -1"),
    ("every_seconds: 3.0", "every_seconds: .nan", r"frames\.every_seconds is nan"),
    ("every_seconds: 3.0", "every_seconds: 1e9", r"frames\.every_seconds is"),
    ("every_seconds: 3.0", "every_seconds: ten", r"frames\.every_seconds is 'ten'"),
    ("every_seconds: 3.0", "evry_seconds: 3.0", r"unknown key frames\.evry_seconds: did you mean every_seconds"),
    ("every_seconds: 3.0", "", r"missing key frames\.every_seconds"),
    ("  duplicate_bits: 6  ", "  duplicate_bits: 65  ", r"frames\.duplicate_bits is 65"),
    ("stopword_languages: [en]", "stopword_languages: [xx]", r"stopword_languages\.0 is 'xx'.*'en'"),
    ("test_share: 0.1", "test_share: 1.1", r"dataset\.test_share is 1\.1"),
    ("  mode: auto", "\tmode: auto", r"params invalid at line \d+"),
    ("  mode: auto", "  mode: auto\n  mode: auto", r"params invalid at line \d+: duplicate key 'mode'"),
    ("  mode: auto", "  mode: &a [1]\n  x: *a", r"params invalid at line \d+: aliases"),
    ("  mode: auto", "  mode: !!python/object/apply:os.system ['true']", r"params invalid at line \d+"),
])
def test_a_bad_value_is_named_in_one_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = SHIPPED.read_text()
    assert old in text
    path = tmp_path / "params.yaml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ParamsError, match=said) as caught:
        load_params(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("content", "said"), [("", "empty"), ("- 1\n", "a list"), ("{", "line 1")])
def test_a_file_that_holds_no_settings_is_refused(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(content)
    with pytest.raises(ParamsError, match=said):
        load_params(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"absent\.yaml"):
        load_params(tmp_path / "absent.yaml")


def test_the_command_line_overrides_one_value() -> None:
    assert load_params(SHIPPED, {"frames.every_seconds": 1.5}).frames.every_seconds == 1.5
    with pytest.raises(ParamsError, match="unknown setting"):
        load_params(SHIPPED, {"fram.every_seconds": 1.5})
