"""Filters refuse with a code and a reason; what nobody says refuses only where being wrong is worse."""

from datetime import date
from typing import Any

import pytest

from tasks.discovery.filters import CODES, filters_of, refuse
from tasks.params import SourceParams
from tasks.storage.failures import class_of


def source(**filters: Any) -> SourceParams:
    return SourceParams(name="a", url="https://h/", **filters)


@pytest.mark.parametrize(("filters", "info", "code"), [
    ({"min_duration_seconds": 60}, {"duration": 59.9}, "filtered_duration"),
    ({"min_duration_seconds": 60}, {"duration": 60}, None),
    ({"max_duration_seconds": 60}, {"duration": 60}, None),
    ({"max_duration_seconds": 60}, {"duration": 61}, "filtered_duration"),
    ({"max_duration_seconds": 60}, {}, None),
    ({"languages": ("en",)}, {"language": "en-GB"}, None),
    ({"languages": ("en",)}, {"language": "EN_us"}, None),
    ({"languages": ("en-GB",)}, {"language": "en"}, "filtered_language"),
    ({"languages": ("en", "de")}, {"language": "eng"}, "filtered_language"),
    ({"languages": ("en",)}, {}, None),
    ({"licences": ("creative commons",)}, {"license": "Creative Commons Attribution"}, None),
    ({"licences": ("creative commons",)}, {"license": "all rights reserved"}, "filtered_licence"),
    ({"licences": ("creative commons",)}, {}, "filtered_licence"),
    ({"title_matches": "onion|knife"}, {"title": "Cut an ONION"}, None),
    ({"title_matches": "^onion"}, {"title": "Cut an onion"}, "filtered_title"),
    ({"title_excludes": r"\blive\b"}, {"title": "Kitchen LIVE 3"}, "filtered_title"),
    ({"uploaded_from": date(2026, 1, 8)}, {"upload_date": "20260107"}, "filtered_date"),
    ({"uploaded_from": date(2026, 1, 8)}, {"timestamp": 1767897543}, None),
    ({"uploaded_until": date(2026, 1, 7)}, {"timestamp": 1767897543}, "filtered_date"),
    ({"uploaded_until": date(2026, 1, 7)}, {"upload_date": "20261399"}, None),
    ({"min_views": 100}, {"view_count": 99}, "filtered_views"),
    ({"min_views": 100}, {"view_count": True}, None),
])
def test_each_filter_refuses_what_is_outside_it(filters: dict[str, Any], info: dict[str, Any], code: str | None) -> None:
    refusal = refuse(source(**filters), info)
    assert (refusal and refusal[0]) == code


def test_a_listing_that_says_no_licence_does_not_refuse_yet() -> None:
    assert refuse(source(licences=("CC",)), {}, complete=False) is None


def test_every_code_is_of_the_class_filtered() -> None:
    assert {class_of(code) for code in CODES} == {"filtered"}


def test_only_filters_that_are_set_are_what_a_verdict_rests_on() -> None:
    assert filters_of(source(per_night=3, min_views=5, title_matches="x")) == {"min_views": 5, "title_matches": "x"}
