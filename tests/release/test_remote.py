"""Where versions go: checked before anything is written, the same truth for DVC and for us, one place a project."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import InputError, TransientError, WorkflowError
from tasks.release.dvc import run_dvc
from tasks.release.remote import project_identity, read_remote, set_remote
from tasks.release.template import init_project
from tasks.storage import s3
from tasks.storage.objects import StoreAddress, open_store
from tasks.storage.project import Project
from tests.stores import ACCESS_KEY, SECRET_KEY, RcloneServer, Server, new_bucket, raw_client


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return init_project(tmp_path / "project")


def settings(project: Project) -> dict[str, bytes]:
    """Every file of the project that says where versions go, or who it is."""
    places = (project.root / ".dvc", project.root / "data")
    return {str(path): path.read_bytes() for place in places for path in sorted(place.rglob("*")) if path.is_file()}


def objects(server: Server, bucket: str) -> list[str]:
    return [entry["Key"] for entry in raw_client(server.endpoint).list_objects_v2(Bucket=bucket).get("Contents", [])]


def test_until_one_is_set_the_store_is_a_folder_in_the_project(project: Project) -> None:
    assert read_remote(project) == StoreAddress(str(project.root / "store"))
    project.settings.write_text("[core]\n    analytics = false\n")
    assert read_remote(project) == StoreAddress(str(project.root / "store"))


def test_dvc_pushes_to_the_bucket_that_was_set(project: Project, rclone_server: RcloneServer) -> None:
    bucket = new_bucket(rclone_server.endpoint)
    said = set_remote(project, f"s3://{bucket}/some/prefix", endpoint=rclone_server.endpoint, region="us-east-1")
    assert read_remote(project) == said.address == StoreAddress(
        f"s3://{bucket}/some/prefix", rclone_server.endpoint, region="us-east-1")
    assert objects(rclone_server, bucket) == ["some/prefix/project.json"]  # the probe is gone
    (project.root / "file.bin").write_bytes(b"some bytes")
    run_dvc(project, "add", "file.bin")
    run_dvc(project, "push")
    pushed = [key for key, _ in open_store(said.address).keys("files/md5/")]
    assert pushed == ["files/md5/9d/0568469d206c1aedf1b71f12f474bc"]  # md5sum of `some bytes`


def test_a_folder_can_be_the_store_and_moves_with_the_project_when_it_is_inside(project: Project, tmp_path: Path) -> None:
    outside = tmp_path / "disk" / "versions"
    with pytest.raises(InputError, match="--create"):
        set_remote(project, str(outside))
    assert set_remote(project, str(outside), create=True).created
    assert read_remote(project).url == str(outside)
    assert [path.name for path in outside.iterdir() if path.is_file()] == ["project.json"]
    set_remote(project, str(project.root / "store"), create=True)
    project.root.rename(tmp_path / "moved")
    assert read_remote(Project(tmp_path / "moved")).url == str(tmp_path / "moved" / "store")


def test_what_else_is_in_the_settings_stays(project: Project, tmp_path: Path) -> None:
    project.settings.write_text(
        "# ours\n[cache]\n    type = copy\n['remote \"other\"']\n    url = /elsewhere\n"
        "['remote \"store\"']\n    url = ../old\n    access_key_id = stale\n"
        "[core]\n    # why\n    remote = other\n    autostage = true\n")
    set_remote(project, str(tmp_path / "new"), create=True)
    assert project.settings.read_text() == (
        "# ours\n[cache]\n    type = copy\n['remote \"other\"']\n    url = /elsewhere\n"
        "[core]\n    remote = store\n    # why\n    autostage = true\n"
        f"['remote \"store\"']\n    url = {tmp_path}/new\n    verify = true\n")
    assert run_dvc(project, "config", "core.remote").strip() == "store"


def test_what_this_machine_says_for_itself_is_heard(project: Project) -> None:
    project.settings.with_name("config.local").write_text("['remote \"store\"']\n    url = s3://bucket/p\n    profile = lab\n")
    assert read_remote(project) == StoreAddress("s3://bucket/p", profile="lab")
    assert run_dvc(project, "config", "remote.store.profile").strip() == "lab"


@pytest.mark.parametrize(("text", "said"), [
    ("[core\n", "cannot be read"), ("[core]\nremote = gone\n", "no address"), ("\xff", "cannot be read"),
    ("[core]\nremote = g\n['remote \"g\"']\nurl = gs://bucket\n", "not a store"),
])
def test_settings_that_are_none_are_told_in_one_line(project: Project, text: str, said: str) -> None:
    project.settings.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=said) as caught:
        read_remote(project)
    assert len(str(caught.value).splitlines()) == 1


def test_every_clone_is_the_project_and_another_project_is_refused(s3_server: Server, tmp_path: Path) -> None:
    bucket = new_bucket(s3_server.endpoint)
    ours, theirs = init_project(tmp_path / "ours"), init_project(tmp_path / "theirs")
    url = f"s3://{bucket}/place"
    assert not set_remote(ours, url, endpoint=s3_server.endpoint).known
    open_store(read_remote(ours)).put_bytes(b"{}", "versions/dataset-2026-01-01.1/manifest.json")
    clone = init_project(tmp_path / "clone")
    (clone.data.root / "project.json").write_bytes((ours.data.root / "project.json").read_bytes())
    said = set_remote(clone, url, endpoint=s3_server.endpoint)
    assert (said.known, said.versions) == (True, ("dataset-2026-01-01.1",))
    assert said.line.endswith("holds 1 version of this project")
    before = settings(theirs), objects(s3_server, bucket)
    with pytest.raises(InputError, match=f"holds another project .{project_identity(ours)}"):
        set_remote(theirs, url, endpoint=s3_server.endpoint)
    assert (settings(theirs), objects(s3_server, bucket)) == before
    assert set_remote(theirs, f"s3://{bucket}/other", endpoint=s3_server.endpoint).address.prefix == "other/"


@pytest.mark.parametrize("claim", [b"", b"{", b"[]", b'{"project": 5}', b'{"project": "../.."}'])
def test_a_claim_that_cannot_be_read_is_respected(project: Project, tmp_path: Path, claim: bytes) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "project.json").write_bytes(claim)
    with pytest.raises(InputError, match="names no project"):
        set_remote(project, str(tmp_path / "store"))


@pytest.mark.parametrize(("url", "options", "kind"), [
    ("s3://Bad_Bucket/p", {}, InputError),
    ("s3://absent-bucket-of-nobody/p", {}, InputError),
    (f"s3://{ACCESS_KEY}:{SECRET_KEY}@bucket/p", {}, InputError),
    ("s3://bucket/p", {"endpoint": f"http://{ACCESS_KEY}:{SECRET_KEY}@127.0.0.1:9"}, InputError),
    ("s3://bucket/p", {"endpoint": "http://127.0.0.1:9"}, TransientError),
    ("s3://bucket/p", {"endpoint": "127.0.0.1:9000"}, InputError),
    ("s3://bucket/p", {"profile": "a\nb"}, InputError),
    ("s3://bucket/p", {"region": "Nowhere!"}, InputError),
    ("gs://bucket", {}, InputError), ("", {}, InputError), ("/dev/null", {}, InputError), ("/dev/null/below", {}, InputError),
    ("/tmp", {"endpoint": "http://127.0.0.1:9"}, InputError),
])
def test_what_cannot_be_a_store_leaves_everything_as_it_was(
        project: Project, url: str, options: dict[str, Any], kind: type[WorkflowError], rclone_server: RcloneServer,
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "ATTEMPTS", 1)
    before = settings(project)
    with pytest.raises(kind) as caught:
        set_remote(project, url, **{"endpoint": rclone_server.endpoint if url.startswith("s3") else "", **options})
    assert settings(project) == before
    assert len(str(caught.value).splitlines()) == 1
    assert SECRET_KEY not in str(caught.value)


def test_a_wrong_secret_is_refused_and_neither_shown_nor_written(
        project: Project, rclone_server: RcloneServer, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket, before = new_bucket(rclone_server.endpoint), settings(project)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-of-a-secret")
    with pytest.raises(InputError, match="SignatureDoesNotMatch") as caught:
        set_remote(project, f"s3://{bucket}", endpoint=rclone_server.endpoint)
    assert "canary" not in str(caught.value)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    assert settings(project) == before
    set_remote(project, f"s3://{bucket}", endpoint=rclone_server.endpoint)
    written = b"".join(settings(project).values())
    assert SECRET_KEY.encode() not in written
    assert ACCESS_KEY.encode() not in written


def test_an_absent_bucket_is_made_when_asked(project: Project, s3_server: Server) -> None:
    said = set_remote(project, f"s3://made-{os.urandom(4).hex()}/p", endpoint=s3_server.endpoint, create=True)
    assert said.created
    assert json.loads(open_store(said.address).get_bytes("project.json") or b"") == {"project": project_identity(project)}


def test_a_server_that_loses_what_it_takes_is_no_store(
        project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = settings(project)
    monkeypatch.setattr("tasks.storage.objects.FolderStore.get_bytes", lambda store, key: None)
    with pytest.raises(TransientError, match="does not give back"):
        set_remote(project, str(tmp_path / "store"), create=True)
    assert settings(project) == before
    assert list((tmp_path / "store" / "exchange").iterdir()) == []
