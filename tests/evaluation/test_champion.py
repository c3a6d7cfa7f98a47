"""champion.json moves one step at a time, and back to the very bytes."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.errors import InputError, IntegrityError, TransientError, WorkflowError
from tasks.evaluation.champion import Champion, Pointer, list_models, promote, read_champion, roll_back
from tasks.evaluation.gate import Verdict, write_verdict
from tasks.storage.artefact import digest_file
from tasks.storage.objects import ObjectStore, StoreAddress, open_store
from tests.stores import Server, new_bucket


@pytest.fixture
def models(tmp_path: Path) -> Path:
    for version in ("n1", "n2", "n3"):
        folder = tmp_path / "models" / "net" / version
        folder.mkdir(parents=True)
        (folder / "weights.safetensors").write_bytes(version.encode() * 100)
        (folder / "net.json").write_text(json.dumps({"version": version}))
    return tmp_path / "models"


def passed(models: Path, version: str, champion: str = "chance") -> Verdict:
    weights = digest_file(models / "net" / version / "weights.safetensors")
    return Verdict(True, ("better",), f"net/{version}", weights, champion, "split")


def pictured(models: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(models.rglob("*")) if path.is_file()}


def test_promotions_follow_each_other_and_the_history_keeps_them(models: Path) -> None:
    promote(models, "net", "n1", passed(models, "n1"))
    promote(models, "net", "n2", passed(models, "n2", "net/n1"))
    champion = read_champion(models, "net")
    assert champion is not None
    assert (champion.version, champion.generation, champion.forced, champion.how) == ("n2", 2, False, "promoted")
    assert [(move["version"], move["generation"]) for move in champion.history] == [("n1", 1)]
    assert champion.weights == digest_file(models / "net" / "n2" / "weights.safetensors")


def test_a_roll_back_restores_the_very_bytes(models: Path) -> None:
    promote(models, "net", "n1", passed(models, "n1"))
    before = read_champion(models, "net")
    promote(models, "net", "n2", passed(models, "n2", "net/n1"))
    files = pictured(models / "net" / "n1")
    back = roll_back(models, "net", "n1")
    assert before is not None
    assert (back.version, back.generation, back.how, back.files) == ("n1", 3, "rolled back", before.files)
    assert pictured(models / "net" / "n1") == files
    assert read_champion(models, "net") == back


def test_nothing_is_rolled_back_to_other_bytes(models: Path) -> None:
    promote(models, "net", "n1", passed(models, "n1"))
    promote(models, "net", "n2", passed(models, "n2", "net/n1"))
    weights = models / "net" / "n1" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    before = pictured(models)
    with pytest.raises(IntegrityError, match=r"weights\.safetensors: not the bytes that were promoted"):
        roll_back(models, "net", "n1")
    assert pictured(models) == before


@pytest.mark.parametrize(("version", "said"), [
    ("n2", "champion already"), ("n3", "never was champion: earlier ones: n1"), ("../x", "never")])
def test_a_roll_back_to_nowhere_is_refused(models: Path, version: str, said: str) -> None:
    promote(models, "net", "n1", passed(models, "n1"))
    promote(models, "net", "n2", passed(models, "n2", "net/n1"))
    with pytest.raises(InputError, match=said):
        roll_back(models, "net", version)


def test_without_a_champion_there_is_nothing_to_roll_back(models: Path) -> None:
    with pytest.raises(InputError, match="no champion yet"):
        roll_back(models, "net", "n1")


def test_a_refused_version_is_promoted_by_force_only_and_that_is_recorded(models: Path) -> None:
    refused = replace(passed(models, "n1"), passed=False, reasons=("worse",))
    with pytest.raises(InputError, match=r"net/n1 is refused \(worse\)"):
        promote(models, "net", "n1", refused)
    with pytest.raises(InputError, match="not judged yet"):
        promote(models, "net", "n1", None)
    assert read_champion(models, "net") is None
    champion = promote(models, "net", "n1", refused, force=True)
    assert (champion.forced, champion.why["reasons"]) == (True, ("worse",))
    assert not promote(models, "net", "n2", passed(models, "n2", "net/n1"), force=True).forced


def test_a_verdict_on_other_weights_or_another_champion_promotes_nothing(models: Path) -> None:
    with pytest.raises(InputError, match="about other weights"):
        promote(models, "net", "n1", passed(models, "n2"))
    promote(models, "net", "n1", passed(models, "n1"))
    with pytest.raises(TransientError, match="judged against chance, but the champion is n1"):
        promote(models, "net", "n2", passed(models, "n2"))


def test_promoting_the_champion_again_changes_nothing(models: Path) -> None:
    promote(models, "net", "n1", passed(models, "n1"))
    before = pictured(models)
    promote(models, "net", "n1", passed(models, "n1", "net/n1"))
    assert pictured(models) == before


@pytest.mark.parametrize("name", ["", "../net", "a/b", ".hidden", "x" * 65])
def test_a_name_cannot_leave_the_folder(models: Path, name: str) -> None:
    with pytest.raises(InputError):
        promote(models, name, "n1", None, force=True)
    with pytest.raises(InputError):
        promote(models, "net", name, None, force=True)


@pytest.mark.parametrize("damage", [b"", b"{}", b"[]", b'{"net": 1}'])
def test_a_damaged_pointer_is_told_and_left(models: Path, damage: bytes) -> None:
    (models / "net" / "champion.json").write_bytes(damage)
    acts: list[Callable[[], object]] = [
        lambda: read_champion(models, "net"), lambda: promote(models, "net", "n1", None, force=True)]
    for act in acts:
        with pytest.raises(IntegrityError, match=r"champion\.json: damaged"):
            act()
    assert (models / "net" / "champion.json").read_bytes() == damage


def test_a_history_that_skips_a_move_is_not_believed(models: Path) -> None:
    promote(models, "net", "n1", passed(models, "n1"))
    promote(models, "net", "n2", passed(models, "n2", "net/n1"))
    path = models / "net" / "champion.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"history": []}))
    with pytest.raises(IntegrityError, match="moves do not follow"):
        read_champion(models, "net")


@pytest.fixture(params=["folder", "moto", "rclone"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "folder":
        return open_store(StoreAddress(str(tmp_path / "store")))
    server: Server = request.getfixturevalue(f"{request.param}_server")
    return open_store(StoreAddress(f"s3://{new_bucket(server.endpoint)}/models", server.endpoint))


def test_of_two_promotions_at_once_one_wins_and_the_other_is_told(models: Path, store: ObjectStore) -> None:
    promote(models, "net", "n1", passed(models, "n1"), pointer=Pointer(store, "net"))
    barrier, won, lost = threading.Barrier(2), list[str](), list[WorkflowError]()

    class Slow(Pointer):
        """Both have read the pointer before either moves it."""

        def read(self) -> tuple[Champion | None, bytes | None]:
            found = super().read()
            if len(barriers) < 2:
                barriers.append(1)
                barrier.wait()
            return found

    barriers: list[int] = []

    def act(version: str) -> None:
        try:
            pointer = Slow(open_store(store.address), "net")
            won.append(promote(models, "net", version, passed(models, version, "net/n1"), pointer=pointer).version)
        except TransientError as error:
            lost.append(error)

    threads = [threading.Thread(target=act, args=(version,)) for version in ("n2", "n3")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    champion, _ = Pointer(store, "net").read()
    assert champion is not None
    assert (won, champion.generation) == ([champion.version], 2)
    assert len(lost) == 1
    assert "meanwhile" in str(lost[0]) or "somebody else" in str(lost[0])


def test_every_version_is_listed_with_what_is_known_of_it(models: Path) -> None:
    promote(models, "net", "n1", passed(models, "n1"))
    card = {"dataset_version": "dataset-1", "metrics": {"r_at_10": 0.5}, "forgotten": ["v"]}
    (models / "net" / "n2" / "card.json").write_text(json.dumps(card))
    write_verdict(models / "net" / "n2", passed(models, "n2", "net/n1"))
    listed = {model.version: model for model in list_models(models)}
    assert [version for version, model in listed.items() if model.is_champion] == ["n1"]
    assert (listed["n2"].dataset, listed["n2"].figures, listed["n2"].forgotten) == ("dataset-1", {"r_at_10": 0.5}, ("v",))
    assert listed["n3"].verdict is None
