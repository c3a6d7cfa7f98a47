from xml.etree import ElementTree

import pyarrow as pa

from tasks.keywords.associations import ASSOCIATIONS
from tasks.keywords.picture import associations_picture

SVG = "{http://www.w3.org/2000/svg}"


def table(*pairs: tuple[str, str, int], significant: bool = True) -> pa.Table:
    """Pairs of a verb and a noun, or of two nouns where the first begins with n."""
    rows = [
        {"first": first, "second": second, "first_kind": "noun" if first.startswith("n") else "verb", "second_kind": "noun",
         "together": together, "videos": 3, "first_count": 40, "second_count": 40, "sentences": 1000, "pmi": 2.0, "npmi": 0.4,
         "p_value": 1e-9, "significant": significant}
        for first, second, together in pairs]
    return pa.Table.from_pylist(rows, schema=ASSOCIATIONS)


def texts(svg: bytes) -> list[str]:
    root = ElementTree.fromstring(svg)
    return ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]


def test_each_pair_is_shown_once_in_the_row_of_its_verb() -> None:
    svg = associations_picture(table(("cut", "nknife", 30), ("cut", "nonion", 20), ("nonion", "nknife", 50)))
    assert texts(svg)[-5:] == ["cut", "nknife 30", "nonion 20", "nknife", "nonion 50"]
    assert svg == associations_picture(table(("cut", "nknife", 30), ("cut", "nonion", 20), ("nonion", "nknife", 50)))


def test_nothing_leaves_the_page() -> None:
    many = [(f"verb{row}" + "w" * 30, f"n{chip}" + "m" * 30, 50) for row in range(30) for chip in range(20)]
    svg = associations_picture(table(*many))
    root = ElementTree.fromstring(svg)
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for box in root.iter(f"{SVG}rect"):
        assert float(box.get("x", 0)) + float(box.attrib["width"]) <= width
        assert float(box.get("y", 0)) + float(box.attrib["height"]) <= height
    chips = len(list(root.iter(f"{SVG}g")))
    assert f"{chips} of 600 significant pairs" in " ".join(texts(svg))


def test_words_are_text_and_never_markup() -> None:
    svg = associations_picture(table(("<script>", "a&'b", 5)))
    assert "<script>" in texts(svg)
    assert not list(ElementTree.fromstring(svg).iter(f"{SVG}script"))


def test_without_significant_pairs_the_picture_says_so() -> None:
    for empty in (table(), table(("cut", "knife", 9), significant=False)):
        assert any("No pair is beyond chance yet" in text for text in texts(associations_picture(empty)))
