"""Every failure has a class, and every class its own patience."""

import ast
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.policy import policy_of
from tasks.errors import BlockedError, ParamsError, TransientError, UnavailableVideoError
from tasks.storage.failures import CLASSES, FAILURES, Policy, class_of, code_of, next_try
from tests.storage.policies import NIGHT, PARAMS, POLICY, VERSIONS, night, with_settings

REPOSITORY = Path(__file__).parents[2]
RAISERS = {"UnusableVideoError": 2, "UnavailableVideoError": 2, "unusable": 2, "_invalid": None}  # place of the code


def codes_in(tree: ast.Module) -> Iterator[str]:
    """The codes that a module gives to failures of videos, however they reach the call."""
    assigned: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    assigned.setdefault(target.id, []).append(node.value)

    def texts(expression: ast.expr) -> Iterator[str]:
        match expression:
            case ast.Constant(value=str(text)):
                yield text
            case ast.Name(id=name):
                for value in assigned.pop(name, []):
                    yield from texts(value)
            case ast.IfExp(body=one, orelse=other):
                yield from (*texts(one), *texts(other))
            case ast.Dict(values=values):
                yield from (text for value in values for text in texts(value))
            case ast.Call(func=ast.Attribute(value=table, attr="get"), args=[_, default]):
                yield from (*texts(table), *texts(default))

    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            place = RAISERS.get(node.func.id)
            named = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
            if place is not None:
                given_code = named or node.args[place:place + 1]
                if given_code:
                    yield from texts(given_code[0])
                elif not any(isinstance(argument, ast.Starred) for argument in node.args):
                    yield "unusable"
            elif node.func.id == "Outcome" and named:
                yield from texts(named[0])
        if isinstance(node, ast.List) and node.elts and isinstance(node.elts[0], ast.Constant) and (
                node.elts[0].value in RAISERS):  # as a child process tells it
            yield from texts(node.elts[-1])


def all_codes() -> set[str]:
    from tasks.discovery.filters import CODES
    from tasks.network.session import REASONS

    found = {code for code, _ in REASONS} | set(CODES)
    for folder in ("tasks", "flows"):
        for path in (REPOSITORY / folder).rglob("*.py"):
            found.update(code for code in codes_in(ast.parse(path.read_text())))
    return found - {"disk", "busy"}  # reasons that become TransientError, which has no code


def test_every_code_in_the_source_has_a_class() -> None:
    found = all_codes()
    assert {"out_of_memory", "geo", "truncated", "no_index", "forbidden", "certificate", "extension_refused", "over_cap",
            "crashed", "unseen", "no_words", "captions_invalid", "unusable"} <= found  # the walk is not blind
    assert found - FAILURES.keys() == set()


def test_every_class_has_codes_and_no_code_is_left_over() -> None:
    assert {failure.kind for failure in FAILURES.values()} == set(CLASSES)
    assert FAILURES.keys() - all_codes() <= {"transient", "unexpected", "blocked"}  # what `code_of` gives


def test_what_a_verdict_rests_on_is_there() -> None:
    ours = policy_of(PARAMS)
    for code, failure in FAILURES.items():
        assert ours.rests_on(code) == ours.rests_on(code)  # raises for a setting that is not there
        assert set(failure.versions) <= ours.versions.keys(), code
        assert not failure.settings or failure.kind in ("filtered", "unusable"), code


def test_a_code_nobody_knows_is_tried_again() -> None:
    assert class_of("invented") == "transient"


@pytest.mark.parametrize(("error", "code"), [
    (BlockedError("429", "rest"), "blocked"), (TransientError("503", "wait"), "transient"),
    (UnavailableVideoError("gone", "", "private"), "private"), (ParamsError("", ""), "unexpected"), (ValueError(), "unexpected")])
def test_an_error_is_recorded_under_its_code(error: Exception, code: str) -> None:
    assert code_of(error) == code


def test_what_may_pass_is_tried_the_next_night_then_less_and_less_often() -> None:
    waits = []
    for attempts in range(1, 8):
        due = next_try("transient", attempts, NIGHT, PARAMS.upkeep)
        assert due is not None
        waits.append(next(number for number in range(100) if night(number) >= due))
    assert waits == [1, 2, 4, 8, 16, 16, 16]


@given(st.integers(0, 10**9))
def test_what_may_pass_is_never_given_up(attempts: int) -> None:
    due = next_try("transient", attempts, NIGHT, PARAMS.upkeep)
    assert due is not None
    assert NIGHT < due <= NIGHT + timedelta(days=PARAMS.upkeep.max_wait_nights)


def test_a_night_that_begins_earlier_than_the_last_one_still_tries_again() -> None:
    due = next_try("transient", 1, night(0, hour=5), PARAMS.upkeep)
    assert due is not None
    assert night(0, hour=6) < due < night(1, hour=1)


@pytest.mark.parametrize("code", ["private", "deleted", "geo", "members", "drm", "unavailable"])
def test_what_is_gone_is_asked_for_again_after_a_month(code: str) -> None:
    due = next_try(code, 1, NIGHT, PARAMS.upkeep)
    assert due is not None
    assert night(29) < due < night(30)


def test_a_live_stream_is_looked_at_every_night() -> None:
    due = next_try("live", 50, NIGHT, PARAMS.upkeep)
    assert due is not None
    assert due < night(1)


@pytest.mark.parametrize("code", ["too_long", "filtered_title", "truncated", "no_audio"])
def test_what_was_refused_waits_for_a_change(code: str) -> None:
    assert next_try(code, 1, NIGHT, PARAMS.upkeep) is None
    assert not POLICY.is_due(code, 1, NIGHT, POLICY.rests_on(code, "kitchen"), "kitchen", night(10_000))


@pytest.mark.parametrize(("code", "changed", "is_due"), [
    ("too_long", with_settings("download", max_duration_seconds=99_999), True),
    ("too_long", with_settings("download", max_bytes=99_999), False),
    ("too_large", with_settings("download", max_bytes=99_999), True),
    ("too_many_pixels", with_settings("frames", max_pixels=99_999), True),
    ("too_many_pixels", with_settings("frames", jpeg_quality=50), False),
    ("no_words", with_settings("transcription", model="vosk-model-en-us-0.22"), True),
    ("no_words", with_settings("keywords", min_confidence=0.1), True),
    ("truncated", with_settings("frames", every_seconds=1.0), False),
    ("truncated", Policy(PARAMS, {**VERSIONS, "frames": 2}), True),
    ("truncated", Policy(PARAMS, {**VERSIONS, "av": "19.0"}), True),
    ("unsupported", Policy(PARAMS, {**VERSIONS, "yt-dlp": "2026.11"}), True),
    ("unsupported", Policy(PARAMS, {**VERSIONS, "av": "19.0"}), False),
])
def test_a_change_of_what_refused_a_video_is_another_chance_and_no_other_change_is(
        code: str, changed: Policy, is_due: bool) -> None:
    assert changed.is_due(code, 1, NIGHT, POLICY.rests_on(code), "kitchen", NIGHT) is is_due


def test_changed_filters_bring_back_what_they_left_out_of_that_source_alone() -> None:
    kitchen, garden = PARAMS.sources
    changed = Policy(
        PARAMS.model_copy(update={"sources": (kitchen.model_copy(update={"max_duration_seconds": 60.0}), garden)}), VERSIONS)
    moved = Policy(PARAMS.model_copy(update={"sources": (kitchen.model_copy(update={"url": "http://x/"}), garden)}), VERSIONS)
    before = {name: POLICY.rests_on("filtered_duration", name) for name in ("kitchen", "garden")}
    assert changed.rests_on("filtered_duration", "kitchen") != before["kitchen"]
    assert changed.rests_on("filtered_duration", "garden") == before["garden"]
    assert moved.rests_on("filtered_duration", "kitchen") == before["kitchen"]


def test_a_source_rests_twice_as_long_each_time_and_as_long_as_it_asks_for() -> None:
    def hours(pauses: int, asked_seconds: float = 0.0) -> float:
        return (POLICY.pause_until(pauses, asked_seconds, NIGHT) - NIGHT).total_seconds() / 3600

    assert [hours(n) for n in range(1, 8)] == [6, 12, 24, 48, 96, 168, 168]
    assert hours(1, asked_seconds=10 * 3600) == 10
    assert hours(1, asked_seconds=60) == 6
    assert hours(1, asked_seconds=float("inf")) == hours(10**9) == 168


def test_the_documentation_puts_every_code_in_its_class() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", (REPOSITORY / "docs" / "upkeep.md").read_text(), re.MULTILINE)
    told = {(kind, code) for kind, codes in rows for code in re.findall(r"`(\w+)`", codes)}
    assert told == {(failure.kind, code) for code, failure in FAILURES.items()}
