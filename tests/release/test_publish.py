"""A version is there whole or not at all, whenever the night is cut short, and holds what is ours alone."""

import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks.dataset.manifest import MANIFEST, file_entries, parse_manifest
from tasks.errors import InputError, TransientError
from tasks.params import load_params
from tasks.release import dvc, publish
from tasks.release.dvc import run_dvc
from tasks.release.remote import read_remote, set_remote
from tasks.release.template import init_project
from tasks.release.versions import list_versions, published_key
from tasks.storage.ledger import Ledger, Outcome
from tasks.storage.objects import FolderStore, ObjectStore, open_store
from tasks.storage.project import Project
from tests.conftest import REPOSITORY
from tests.release import nights
from tests.release.nights import FIRST, FIRST_NIGHT, SECOND, SECOND_NIGHT, git, holds_all, label_videos, small_project
from tests.storage.policies import POLICY
from tests.stores import SECRET_KEY, RcloneServer, Wire, new_bucket


def published(store: ObjectStore, tag: str) -> dict[str, Any]:
    return parse_manifest(store.get_bytes(published_key(tag, MANIFEST)) or b"", tag)


@pytest.fixture(scope="module")
def first_version(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with one version, made once; tests work on copies."""
    project = small_project(tmp_path_factory.mktemp("first") / "project")
    assert nights.publish(project)
    return project


@pytest.fixture
def project(first_version: Project, tmp_path: Path) -> Project:
    shutil.copytree(first_version.root, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project")


def test_a_version_is_a_commit_of_our_files_a_tag_and_a_pipeline_with_nothing_to_do(tmp_path: Path) -> None:
    project = small_project(tmp_path)
    (tmp_path / "notes.txt").write_text("staged by the user")
    (tmp_path / "draft.txt").write_text("not even staged")
    git(project, "add", "notes.txt")
    version = nights.publish(project)
    assert version is not None
    assert version.tag == FIRST
    assert git(project, "status", "--porcelain") == "A  notes.txt\n?? draft.txt"
    assert git(project, "diff", "--name-only", "HEAD~1", "HEAD").splitlines() == [
        "data/growth.csv", "data/left_out.csv", "data/metrics.json", "data/videos.csv", "dvc.lock"]
    assert git(project, "cat-file", "-t", FIRST) == "tag"
    facts = json.loads(git(project, "for-each-ref", "--format=%(contents)", f"refs/tags/{FIRST}").splitlines()[2])
    # two videos of eight frames, every fourth a duplicate of the one before
    assert {key: facts[key] for key in ("videos", "pictures")} == {"videos": 2, "pictures": 12}
    assert facts["manifest"] == json.loads((project.data.dataset / MANIFEST).read_bytes())["digest"]
    assert run_dvc(project, "status").strip() == "Data and pipelines are up to date."
    assert "up to date" in run_dvc(project, "repro")  # there is no framewords on the PATH of DVC here that could run


def test_a_published_manifest_leads_to_every_byte_and_says_how_it_was_made(tmp_path: Path) -> None:
    project = small_project(tmp_path)
    settings = project.params.read_text().replace('proxy: ""', 'proxy: "http://ada:pass@proxy:8080"')
    project.params.write_text(settings)
    label_videos(project, ["site_2"])
    shutil.rmtree(project.data.labels("site_2"))
    nights.seal_listed(project)
    ledger = Ledger(project.data.ledger)
    ledger.record(Outcome("site_2", "set_aside", "download", "no_audio", "no sound"), FIRST_NIGHT, POLICY)
    ledger.close()
    nights.publish(project)
    manifest = published(FolderStore(read_remote(project)), FIRST)
    for entry in file_entries(manifest):
        content = Path(entry["address"]).read_bytes()
        assert hashlib.md5(content).hexdigest() == entry["md5"]
        assert content == (project.data.dataset / entry["path"]).read_bytes()
    about = manifest["release"]
    assert (about["tag"], about["date"], about["not_labelled"]) == (FIRST, "2026-01-02", {"no_audio": 1})
    assert manifest["books"]["videos"] == {"all": 3, "kept": 2, "left_out": {"not_labelled": 1}}
    assert about["settings"]["frames"] == json.loads(json.dumps(load_params(project.params).frames.model_dump()))
    assert about["settings"]["download"]["proxy"] == "http://***@proxy:8080"
    assert about["code"]["framewords"]
    card = FolderStore(read_remote(project)).get_bytes(published_key(FIRST, "README.md"))
    assert card == (project.data.dataset / "README.md").read_bytes()


def test_nothing_new_makes_no_version_and_nothing_labelled_no_first_one(project: Project, tmp_path: Path) -> None:
    before = git(project, "rev-parse", "HEAD", FIRST)
    project.params.write_text(project.params.read_text() + "# only a remark\n")
    (project.root / "store").rename(tmp_path / "away")  # not even needed
    assert nights.publish(project, SECOND_NIGHT) is None
    assert not (project.root / "store").exists()
    assert git(project, "rev-parse", "HEAD", FIRST) == before
    empty = init_project(tmp_path / "empty")
    assert nights.publish(empty) is None  # not even a dataset
    nights.seal_listed(empty)
    assert nights.publish(empty) is None
    assert git(empty, "tag") == ""


def test_versions_of_one_day_are_numbered_and_a_published_one_is_never_written_over(project: Project) -> None:
    store = FolderStore(read_remote(project))
    store.put_bytes(b"{}", published_key("dataset-2026-01-02.2", MANIFEST))  # by a clone that this one does not know
    label_videos(project, ["site_2"])
    version = nights.publish(project)
    assert version is not None
    assert version.tag == "dataset-2026-01-02.3"
    assert store.get_bytes(published_key("dataset-2026-01-02.2", MANIFEST)) == b"{}"


def test_a_store_of_another_project_is_not_written_to(project: Project, tmp_path: Path) -> None:
    other = init_project(tmp_path / "other")
    set_remote(other, str(tmp_path / "shared"), create=True)
    project.settings.write_text(project.settings.read_text().replace("../store", str(tmp_path / "shared")))
    label_videos(project, ["site_2"])
    with pytest.raises(InputError, match="holds another project"):
        nights.publish(project, SECOND_NIGHT)


STEPS = ("run_dvc push", "commit_files", "put manifest.json", "make_tag")


def cut_after(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """End the process, as it were, when a step of the release is done."""
    def ending(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*given: Any, **more: Any) -> Any:
            answer = function(*given, **more)
            word = given[1] if name == "run_dvc" else given[2].rpartition("/")[2] if name == "put" else ""
            if f"{name} {word}".strip() == step:
                raise KeyboardInterrupt
            return answer
        return wrapped

    for name in ("run_dvc", "commit_files", "make_tag"):
        monkeypatch.setattr(publish, name, ending(name, getattr(publish, name)))
    monkeypatch.setattr(FolderStore, "put_bytes", ending("put", FolderStore.put_bytes))


@pytest.mark.parametrize("step", STEPS)
def test_a_release_cut_short_is_completed_by_the_next(step: str, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    label_videos(project, ["site_2"])
    with monkeypatch.context() as cut:
        cut_after(step, cut)
        with pytest.raises(KeyboardInterrupt):
            nights.publish(project, SECOND_NIGHT)
    store = FolderStore(read_remote(project))
    for key, _ in store.keys("versions/"):  # whatever is published is whole
        if key.endswith(MANIFEST):
            assert holds_all(store, published(store, key.split("/")[1]))
    version = nights.publish(project, SECOND_NIGHT)
    assert (version is None) == (step in ("put manifest.json", "make_tag"))  # then nothing was left to do but the tag
    assert [version.tag for version in list_versions(project)] == [FIRST, SECOND]
    assert published(store, SECOND)["release"]["manifest"] == list_versions(project)[-1].manifest
    assert git(project, "show", f"{SECOND}:dvc.lock") == project.lock.read_text().strip()
    assert git(project, "status", "--porcelain") == ""
    assert nights.publish(project, SECOND_NIGHT) is None
    assert git(project, "rev-list", "--count", "HEAD") == "3"


def test_a_release_cut_short_is_not_finished_with_what_came_after_it(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    label_videos(project, ["site_2"])
    with monkeypatch.context() as cut:
        cut_after("put manifest.json", cut)
        with pytest.raises(KeyboardInterrupt):
            nights.publish(project, SECOND_NIGHT)
    label_videos(project, ["site_3"])
    version = nights.publish(project, SECOND_NIGHT)
    assert version is not None
    assert version.tag == "dataset-2026-01-03.2"
    assert [version.figures["videos"] for version in list_versions(project)] == [2, 3, 4]
    assert git(project, "show", f"{SECOND}:data/videos.csv").count("\n") == 3  # its own list, of three videos


def test_a_lock_left_by_a_killed_git_does_not_stop_the_night(project: Project) -> None:
    label_videos(project, ["site_2"])
    for lock in ("index.lock", "HEAD.lock"):
        (project.root / ".git" / lock).touch()
    assert nights.publish(project, SECOND_NIGHT)


def test_an_object_that_dvc_wrongly_believes_to_be_stored_is_put_there(project: Project) -> None:
    label_videos(project, ["site_2"], jpeg_bytes=50_000)
    nights.seal_listed(project)
    run_dvc(project, "commit", "--force", "data/dataset")
    run_dvc(project, "push")
    store = FolderStore(read_remote(project))
    shard = next(entry for entry in file_entries(json.loads((project.data.dataset / MANIFEST).read_bytes())))
    store.delete(shard["object"])
    assert nights.publish(project, SECOND_NIGHT)
    assert holds_all(store, published(store, SECOND))


def test_a_clone_pulls_the_same_bytes_and_has_nothing_to_do(project: Project, tmp_path: Path) -> None:
    subprocess.run(["git", "clone", "-q", project.root, tmp_path / "clone"], check=True)
    clone = Project(tmp_path / "clone")
    shutil.copytree(project.root / "store", clone.root / "store")
    run_dvc(clone, "pull")
    assert tree(clone.data.root) == tree(project.data.root)
    assert "up to date" in run_dvc(clone, "repro")
    assert nights.publish(clone, SECOND_NIGHT) is None


def test_all_made_again_from_nothing_is_the_same_version(project: Project) -> None:
    before = tree(project.data.root)
    for folder in (project.data.root / "media", project.data.labels_root, project.data.dataset, project.root / ".dvc" / "cache"):
        shutil.rmtree(folder)
    label_videos(project, ["site_0", "site_1"])
    assert nights.publish(project, SECOND_NIGHT) is None
    assert tree(project.data.root) == before
    assert git(project, "status", "--porcelain") == ""


def tree(folder: Path) -> dict[str, str]:
    """Digest of every file that is in git or tracked by DVC."""
    return {str(path.relative_to(folder)): hashlib.md5(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*"))
            if path.is_file() and not {"ledger.sqlite", "lock"} & set(path.parts)}


@pytest.fixture
def on_s3(
    project: Project, tmp_path: Path, aws_environment: None, monkeypatch: pytest.MonkeyPatch,
) -> Iterator[tuple[Project, Wire]]:
    """The project with its first version on S3, over a wire that can be cut."""
    monkeypatch.setattr(dvc, "LOOK_SECONDS", 0.5)
    (tmp_path / "buckets").mkdir()
    with RcloneServer(tmp_path / "buckets") as server, Wire(server.port) as wire:
        set_remote(project, f"s3://{new_bucket(server.endpoint)}/pictures", endpoint=wire.endpoint)
        git(project, "tag", "-d", FIRST)
        run_dvc(project, "push")
        label_videos(project, ["site_2"])
        assert nights.publish(project)
        yield project, wire


def test_a_server_that_dies_in_the_middle_leaves_the_old_version_whole(on_s3: tuple[Project, Wire]) -> None:
    project, wire = on_s3
    label_videos(project, [f"site_{number}" for number in range(3, 9)], jpeg_bytes=40_000)
    wire.cut(up=700_000, for_good=True)
    with pytest.raises(TransientError) as caught:
        nights.publish(project, SECOND_NIGHT)
    assert caught.value.exit_code == 3
    assert SECRET_KEY not in str(caught.value)
    assert git(project, "tag") == FIRST
    wire.mend()
    store = open_store(read_remote(project))
    old = published(store, FIRST)
    for entry in file_entries(old):
        assert hashlib.md5(store.get_bytes(entry["object"]) or b"").hexdigest() == entry["md5"]
    assert store.size(published_key(SECOND, MANIFEST)) is None
    assert nights.publish(project, SECOND_NIGHT)
    assert holds_all(store, published(store, SECOND))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(int(os.environ.get("FRAMEWORDS_KILLS", "2"))))
def test_a_release_killed_at_any_moment_is_completed_by_the_next(
        seed: int, on_s3: tuple[Project, Wire]) -> None:
    project, _ = on_s3
    label_videos(project, [f"site_{number}" for number in range(3, 6)], jpeg_bytes=40_000)
    code = ("import sys; from tests.release.nights import *; p = Project(Path(sys.argv[1])); print('begun', flush=True);"
            "publish(p, SECOND_NIGHT)")
    with subprocess.Popen([sys.executable, "-c", code, project.root], cwd=REPOSITORY, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, start_new_session=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            process.wait(timeout=random.Random(seed).uniform(0, 8))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
    store = open_store(read_remote(project))
    for tag in git(project, "tag").split():
        assert holds_all(store, published(store, tag))
    nights.publish(project, SECOND_NIGHT)
    assert git(project, "tag").split() == [FIRST, SECOND]
    assert holds_all(store, published(store, SECOND))
    assert git(project, "status", "--porcelain") == ""
    assert run_dvc(project, "status", "--cloud").strip().endswith("in sync.")


def test_the_code_in_the_docs_reads_a_version_straight_from_s3(project: Project, rclone_server: RcloneServer) -> None:
    bucket = new_bucket(rclone_server.endpoint)
    set_remote(project, f"s3://{bucket}/pictures", endpoint=rclone_server.endpoint)
    label_videos(project, ["site_2"])
    assert nights.publish(project, SECOND_NIGHT)
    page = (REPOSITORY / "docs" / "dataset.md").read_text()
    section = page[page.index("## Straight from S3"):]
    blocks = re.findall(r"```python\n(.*?)```", section[:section.index("\n## ", 5)], re.DOTALL)
    code = "\n".join(blocks).replace("127.0.0.1:9000", rclone_server.endpoint.removeprefix("http://"))
    code = code.replace("bucket/prefix", f"{bucket}/pictures").replace("dataset-2026-01-02.1", SECOND)
    names: dict[str, Any] = {}
    exec(compile(code, "docs/dataset.md", "exec"), names)
    assert names["rows"].num_rows == names["manifest"]["splits"]["train"]["rows"] == 18  # three videos of six kept frames
    counted = dict(names["counted"])
    assert sum(counted.values()) == names["manifest"]["splits"]["train"]["labels"]
