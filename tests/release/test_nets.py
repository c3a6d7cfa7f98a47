"""Which net is in use is said on the store, and two machines never take it from each other unseen."""

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tasks.errors import TransientError
from tasks.evaluation.champion import FILES, Champion, Pointer, pointer_in
from tasks.release.nets import share_champions
from tasks.release.remote import set_remote
from tasks.release.template import init_project
from tasks.storage.objects import StoreAddress, open_store
from tests.stores import Server, new_bucket

FIRST = Champion("main", "n1", 1, dict.fromkeys(FILES, "0" * 32), {}, False, "promoted", ())


def promoted(before: Champion, version: str) -> Champion:
    past = {key: value for key, value in asdict(before).items() if key not in ("net", "history")}
    return replace(before, version=version, generation=before.generation + 1, history=(*before.history, past))


def test_a_champion_is_shared_and_moves_forward_only(s3_server: Server, tmp_path: Path) -> None:
    project = init_project(tmp_path / "project")
    bucket = new_bucket(s3_server.endpoint)
    set_remote(project, f"s3://{bucket}/cooking", endpoint=s3_server.endpoint)
    here = pointer_in(project.data.models, "main")
    there = Pointer(open_store(StoreAddress(f"s3://{bucket}/cooking/nets", s3_server.endpoint)), "main")
    here.move(FIRST, None)
    share_champions(project)
    assert there.read()[0] == FIRST
    second = promoted(FIRST, "n2")
    here.move(second, here.read()[1])
    share_champions(project)
    share_champions(project)
    assert there.read()[0] == second
    elsewhere = promoted(second, "n3")
    there.move(elsewhere, there.read()[1])
    here.move(promoted(second, "n4"), here.read()[1])
    with pytest.raises(TransientError, match="on the store n3 is champion"):
        share_champions(project)
    assert there.read()[0] == elsewhere
