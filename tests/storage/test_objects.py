"""One contract, three stores: a folder, moto, rclone. What each failure says, and that it never says a secret."""

import hashlib
import logging
import os
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.errors import InputError, IntegrityError, TransientError, WorkflowError
from tasks.storage import s3, s3_errors
from tasks.storage.objects import ObjectStore, StoreAddress, open_store
from tests.servers import Busy, Page, WebServer
from tests.stores import ACCESS_KEY, MotoServer, RcloneServer, Server, Wire, new_bucket, raw_client

PART = 5 << 20  # the least that S3 takes
LARGE = 2 * PART + 1000
LISTING = (b'<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>'
           b"<KeyCount>0</KeyCount><MaxKeys>1</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>")
CANARY, TOKEN = "canary-secret-5ZQ7", "canary-token-8WX2"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """One try a request."""
    monkeypatch.setattr(s3, "ATTEMPTS", 1)


@pytest.fixture(params=["folder", "moto", "rclone"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "folder":
        return open_store(StoreAddress(str(tmp_path / "store")))
    server: Server = request.getfixturevalue(f"{request.param}_server")
    return open_store(StoreAddress(f"s3://{new_bucket(server.endpoint)}/some/prefix", server.endpoint))


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that goes up in three parts."""
    monkeypatch.setattr(s3, "PART_BYTES", PART)
    path = tmp_path / "large.bin"
    path.write_bytes(np.random.default_rng(0).bytes(LARGE))
    return path


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def test_what_was_put_is_there_until_it_is_deleted(store: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"from a file")
    store.put_file(tmp_path / "a", "x/a")
    assert store.put_bytes(b"bytes", "x/b")
    assert (store.get_bytes("x/a"), store.size("x/b"), b"".join(store.read("x/b"))) == (b"from a file", 5, b"bytes")
    store.delete("x/b")
    store.delete("x/b")
    assert (store.get_bytes("x/b"), store.size("x/b")) == (None, None)


def test_put_only_when_new_leaves_what_is_there(store: ObjectStore) -> None:
    assert store.put_bytes(b"first", "k", only_new=True)
    assert not store.put_bytes(b"second", "k", only_new=True)
    assert store.get_bytes("k") == b"first"
    assert store.put_bytes(b"third", "k")
    assert store.get_bytes("k") == b"third"


def test_of_many_who_put_a_new_object_at_once_one_wins(tmp_path: Path) -> None:
    store = open_store(StoreAddress(str(tmp_path)))
    barrier, won = threading.Barrier(8), []

    def put(at: int) -> None:
        barrier.wait()
        if store.put_bytes(b"%d" % at, "k", only_new=True):
            won.append(b"%d" % at)

    threads = [threading.Thread(target=put, args=(at,)) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [store.get_bytes("k")]


def test_keys_come_in_order_with_sizes_and_only_those_below_the_prefix(store: ObjectStore) -> None:
    keys = ["a-b", "a.c/x", "a/b", "a/b2/c", "a0", "z"]
    for size, key in enumerate(keys):
        store.put_bytes(b"." * size, key)
    assert list(store.keys()) == list(zip(keys, range(6), strict=True))
    assert [key for key, _ in store.keys("a/b")] == ["a/b", "a/b2/c"]
    assert list(store.keys("none/")) == []


def test_more_keys_than_one_answer_holds_are_all_listed(s3_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "LISTED_AT_ONCE", 2)
    store = open_store(StoreAddress(f"s3://{new_bucket(s3_server.endpoint)}/p", s3_server.endpoint))
    for key in "abcde":
        store.put_bytes(b"", key)
    assert list(store.keys()) == [(key, 0) for key in "abcde"]


def test_an_object_is_fetched_whole_and_checked_or_the_old_file_stays(store: ObjectStore, tmp_path: Path) -> None:
    store.put_bytes(b"new", "k")
    path = tmp_path / "here" / "file"
    store.get_file("k", path, digest=f"md5:{md5(b'new')}")
    assert path.read_bytes() == b"new"
    with pytest.raises(IntegrityError, match="altered"):
        store.get_file("k", path, digest=f"md5:{md5(b'other')}")
    with pytest.raises(IntegrityError, match="missing"):
        store.get_file("absent", path)
    with pytest.raises(IntegrityError, match="missing"):
        list(store.read("absent"))
    assert [entry.read_bytes() for entry in path.parent.iterdir()] == [b"new"]


def test_a_key_cannot_leave_the_store(tmp_path: Path) -> None:
    for store in open_store(StoreAddress(str(tmp_path))), open_store(StoreAddress("s3://bucket/p", "http://127.0.0.1:9")):
        for key in ("", "/etc/passwd", "../up", "a/../../b", "a//b", "a\nb", "a\\b", "."):
            with pytest.raises(InputError, match="not the key"):
                store.put_bytes(b"", key)


def test_a_large_file_goes_up_in_parts_and_comes_back_the_same(s3_server: Server, large: Path, tmp_path: Path) -> None:
    store = open_store(StoreAddress(f"s3://{new_bucket(s3_server.endpoint)}", s3_server.endpoint))
    store.put_file(large, "large")
    store.get_file("large", tmp_path / "back", digest=f"md5:{md5(large.read_bytes())}")
    assert store.size("large") == LARGE


def test_an_upload_that_is_cut_leaves_no_object_and_the_next_one_completes(
        s3_server: Server, large: Path, impatient: None) -> None:
    bucket = new_bucket(s3_server.endpoint)
    with Wire(s3_server.port) as wire:
        store = open_store(StoreAddress(f"s3://{bucket}/p", wire.endpoint))
        wire.cut(up=PART + 1_000_000, for_good=True)
        with pytest.raises(TransientError):
            store.put_file(large, "large")
        assert wire.cuts == 1
        wire.mend()
        assert store.size("large") is None
        store.put_file(large, "large")
        assert store.size("large") == LARGE


def test_uploads_that_lost_their_sender_are_given_up(s3_server: Server) -> None:
    bucket, client = new_bucket(s3_server.endpoint), raw_client(s3_server.endpoint)
    store = s3.S3Store(StoreAddress(f"s3://{bucket}/p", s3_server.endpoint))
    for key in ("p/ours", "q/another's"):
        upload = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
        client.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=1, Body=b"x")
    if not isinstance(s3_server, MotoServer):  # for moto every upload began in 2010
        assert store.sweep_uploads(timedelta(days=1)) == 0
    assert store.sweep_uploads(timedelta(0)) == 1
    assert [upload["Key"] for upload in client.list_multipart_uploads(Bucket=bucket)["Uploads"]] == ["q/another's"]


def test_other_bytes_on_the_server_than_were_sent_are_no_object(
        s3_server: Server, large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = s3.S3Store(StoreAddress(f"s3://{new_bucket(s3_server.endpoint)}", s3_server.endpoint))
    upload = store._client.upload_fileobj

    def altered(body: Any, *arguments: Any, **options: Any) -> None:
        content = bytearray(body.read())
        content[LARGE // 2] ^= 1
        path = large.with_name("altered")
        path.write_bytes(content)
        with path.open("rb") as file:
            upload(file, *arguments, **options)

    monkeypatch.setattr(store._client, "upload_fileobj", altered)
    with pytest.raises(TransientError, match="differs"):
        store.put_file(large, "large")
    assert store.size("large") is None


def test_an_answer_that_is_cut_is_taken_up_where_it_broke(s3_server: Server, large: Path, tmp_path: Path) -> None:
    bucket = new_bucket(s3_server.endpoint)
    open_store(StoreAddress(f"s3://{bucket}", s3_server.endpoint)).put_file(large, "large")
    with Wire(s3_server.port) as wire:
        store = open_store(StoreAddress(f"s3://{bucket}", wire.endpoint))
        wire.cut(down=LARGE // 2)
        store.get_file("large", tmp_path / "back")
        assert wire.cuts == 1
    assert (tmp_path / "back").read_bytes() == large.read_bytes()


def test_a_server_that_dies_in_the_middle_of_an_answer_leaves_no_file(
        rclone_server: RcloneServer, large: Path, tmp_path: Path, impatient: None) -> None:
    bucket = new_bucket(rclone_server.endpoint)
    open_store(StoreAddress(f"s3://{bucket}", rclone_server.endpoint)).put_file(large, "large")
    with Wire(rclone_server.port) as wire:
        wire.cut(down=LARGE // 2, for_good=True)
        with pytest.raises(TransientError, match="does not answer"):
            open_store(StoreAddress(f"s3://{bucket}", wire.endpoint)).get_file("large", tmp_path / "d" / "back")
    assert list((tmp_path / "d").iterdir()) == []


def test_a_killed_server_that_comes_back_has_what_it_said_it_had(tmp_path: Path, aws_environment: None, impatient: None) -> None:
    with RcloneServer(tmp_path) as server:
        store = open_store(StoreAddress(f"s3://{new_bucket(server.endpoint)}/p", server.endpoint))
        store.put_bytes(b"kept", "k")
        server.kill()
        with pytest.raises(TransientError, match="does not answer"):
            store.get_bytes("k")
        server.start()
        assert store.get_bytes("k") == b"kept"


@pytest.mark.parametrize("failures", [0, 1, 3])
def test_a_busy_store_is_asked_again_a_bounded_number_of_times(
        failures: int, aws_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    with WebServer({"/bucket": Page(LISTING, "application/xml")}) as web:
        left = iter([True] * failures)
        web.trouble = lambda request: Busy(503) if next(left, False) else None
        assert not open_store(StoreAddress("s3://bucket", web.url("/"))).prepare(create=False)
        assert len(web.requests) == failures + 1
        web.trouble = lambda request: Busy(503)
        with pytest.raises(TransientError, match="503"):
            open_store(StoreAddress("s3://bucket", web.url("/"))).prepare(create=False)
        assert len(web.requests) == failures + 1 + s3.ATTEMPTS


@pytest.mark.parametrize(("url", "said"), [
    ("s3://", "bucket name ''"), ("s3://ab", "bucket name 'ab'"), ("s3://UPPER", "bucket name 'UPPER'"),
    ("s3://a..b", "bucket name"), ("s3://10.0.0.1", "bucket name"), ("s3://under_score", "bucket name"),
    ("s3://" + "a" * 64, "bucket name"), ("s3://bucket/a//b", "prefix"), ("s3://bucket/a/../b", "prefix"),
    ("s3://bucket/a b", "prefix"), ("s3://KEY:canary@bucket/p", r"credentials in s3://\*\*\*@bucket/p"),
    ("gs://bucket", "not a store"), ("relative/folder", "not a store"), ("", "not a store"),
    ("http://KEY:canary@host/b", r"not a store: http://\*\*\*@host/b"), ("s3://bucket\n/p", "bucket name"),
])
def test_an_address_that_cannot_be_one_is_refused_before_any_request(url: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        open_store(StoreAddress(url))
    assert "canary" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(("endpoint", "said"), [
    ("127.0.0.1:9000", "endpoint"), ("ftp://host", "endpoint"), ("http://", "endpoint"), ("http://host:0x", "endpoint"),
    ("http://host/path", "endpoint"), ("http://host?a=b", "endpoint"), ("http://host:99999", "endpoint"),
    ("http://KEY:canary@host:9000", r"credentials in http://\*\*\*@host:9000"), ("http://a\r\nb", "endpoint"),
    ("https://KEY:can@ary@host", r"credentials in https://\*\*\*@host"),
])
def test_an_endpoint_is_a_scheme_and_a_host_and_holds_no_credentials(endpoint: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        open_store(StoreAddress("s3://bucket", endpoint))
    assert "canary" not in str(caught.value)
    assert "can@" not in str(caught.value)


def refused(address: StoreAddress) -> WorkflowError:
    """What a store says when it is asked for anything at all."""
    with pytest.raises(WorkflowError) as caught:
        open_store(address).prepare(create=False)
    return caught.value


def test_a_bucket_that_is_absent_is_made_only_when_asked(s3_server: Server) -> None:
    address = StoreAddress(f"s3://absent-{os.urandom(4).hex()}/p", s3_server.endpoint)
    assert "--create" in refused(address).remedy
    with pytest.raises(InputError, match="no such bucket"):
        open_store(address).put_bytes(b"", "k")
    assert open_store(address).prepare(create=True)
    assert not open_store(address).prepare(create=True)


def error_page(code: str, status: int, headers: dict[str, str] | None = None) -> Page:
    body = f"<Error><Code>{code}</Code><Message>no\nmore</Message><RequestId>1</RequestId></Error>"
    return Page(body.encode(), "application/xml", status=status, headers=headers or {})


@pytest.mark.parametrize(("page", "kind", "said"), [
    (error_page("AccessDenied", 403), InputError, "no permission"),
    (error_page("ExpiredToken", 400), InputError, "expired"),
    (error_page("PermanentRedirect", 301, {"x-amz-bucket-region": "eu-west-1"}), InputError, "--region eu-west-1"),
    (error_page("SlowDown", 503), TransientError, "SlowDown"),
    (error_page("InternalError", 500), TransientError, "InternalError"),
    (error_page("XMinioStorageFull", 507), TransientError, "XMinioStorageFull"),
    (error_page("NotImplemented", 501), InputError, "NotImplemented"),
    (error_page("Br\x1b[2Jken", 400), InputError, "said"),
    (Page(b"<html><body>a web page</body></html>"), InputError, "no S3 server"),
    (Page(b"bad gateway", status=502), TransientError, "502"),
])
def test_what_a_server_refuses_is_told_in_one_line(
        page: Page, kind: type[WorkflowError], said: str, aws_environment: None, impatient: None) -> None:
    with WebServer({"/bucket": page}) as web:
        error = refused(StoreAddress("s3://bucket/p", web.url("/")))
    assert isinstance(error, kind)
    assert said in str(error)
    assert str(error).isprintable()


def wrong_secret(server: RcloneServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[StoreAddress]:
    yield StoreAddress(f"s3://{new_bucket(server.endpoint)}", server.endpoint)


def wrong_key(server: RcloneServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[StoreAddress]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDNOBODY")
    yield StoreAddress(f"s3://{new_bucket(server.endpoint)}", server.endpoint)


def no_credentials(server: RcloneServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[StoreAddress]:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    yield StoreAddress("s3://bucket", server.endpoint)


def half_of_the_credentials(server: RcloneServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[StoreAddress]:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    yield StoreAddress("s3://bucket", server.endpoint)


def no_such_profile(server: RcloneServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[StoreAddress]:
    yield StoreAddress("s3://bucket", server.endpoint, profile="nobody")


def nobody_there(server: RcloneServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[StoreAddress]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        yield StoreAddress("s3://bucket", f"http://127.0.0.1:{free.getsockname()[1]}")


def nobody_answers(server: RcloneServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[StoreAddress]:
    monkeypatch.setattr(s3, "READ_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield StoreAddress("s3://bucket", f"http://127.0.0.1:{silent.getsockname()[1]}")


def no_such_host(server: RcloneServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[StoreAddress]:
    yield StoreAddress("s3://bucket", "http://nowhere.invalid:9000")


def no_tls(server: RcloneServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[StoreAddress]:
    yield StoreAddress("s3://bucket", server.endpoint.replace("http:", "https:"))


def clock_ahead(server: RcloneServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[StoreAddress]:
    """This machine's clock, as signing and our own message see it, is 20 minutes ahead of the server's."""
    import botocore.auth

    bucket = new_bucket(server.endpoint)

    class Ahead(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Ahead":
            return super().now(tz) + timedelta(minutes=20)

    monkeypatch.setattr(s3_errors, "datetime", Ahead)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_: Ahead.now(UTC).replace(tzinfo=None))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cr3t-of-the-tests-0123456789")
    yield StoreAddress(f"s3://{bucket}", server.endpoint)


@pytest.mark.parametrize(("case", "kind", "said"), [
    (wrong_secret, InputError, "refuses the credentials (SignatureDoesNotMatch)"),
    (wrong_key, InputError, "refuses the credentials (InvalidAccessKeyId)"),
    (no_credentials, InputError, "no credentials"),
    (half_of_the_credentials, InputError, "no credentials"),
    (no_such_profile, InputError, "no AWS profile 'nobody'"),
    (nobody_there, TransientError, "does not answer"),
    (nobody_answers, TransientError, "does not answer"),
    (no_such_host, TransientError, "does not answer"),
    (no_tls, InputError, "no TLS"),
    (clock_ahead, TransientError, "differ by 20 min (ours is ahead)"),
])
def test_no_failure_shows_a_secret_even_in_the_most_talkative_log(
        case: Callable[..., Iterator[StoreAddress]], kind: type[WorkflowError], said: str, rclone_server: RcloneServer,
        impatient: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
        capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CANARY)
    if case is not clock_ahead:
        monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    for name in ("", *s3.LOUD_LOGGERS):
        caplog.set_level(logging.DEBUG, name)
    for address in case(rclone_server, monkeypatch):
        error = refused(address)
        assert isinstance(error, kind)
        assert said in str(error)
        assert len(str(error).splitlines()) == 1
        told = caplog.text + "".join(capfd.readouterr()) + "".join(traceback.format_exception(error))
        assert CANARY not in told
        assert TOKEN not in told


def test_a_profile_is_where_credentials_may_come_from(
        rclone_server: RcloneServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = os.environ["AWS_SECRET_ACCESS_KEY"]
    bucket = new_bucket(rclone_server.endpoint)
    (tmp_path / "credentials").write_text(f"[lab]\naws_access_key_id={ACCESS_KEY}\naws_secret_access_key={secret}\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    store = open_store(StoreAddress(f"s3://{bucket}", rclone_server.endpoint, profile="lab"))
    assert store.put_bytes(b"signed", "k")


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(InputError, match=r"pip install 'framewords\[nightly\]'"):
        open_store(StoreAddress("s3://bucket"))


def test_boto3_is_loaded_only_where_s3_is_used() -> None:
    code = "import sys, tasks.storage.objects, tasks.release.remote; sys.exit('boto3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_folder_that_cannot_be_one_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for url in ("file", "file/below"):
        store = open_store(StoreAddress(str(tmp_path / url)))
        with pytest.raises(InputError):
            store.put_bytes(b"", "k")
        with pytest.raises(InputError):
            store.prepare(create=True)
    with pytest.raises(InputError, match="--create"):
        open_store(StoreAddress(str(tmp_path / "absent"))).prepare(create=False)


def names(store: ObjectStore) -> list[str]:
    found = store.keys()
    return [key for key, _ in found]


def test_a_swap_replaces_only_what_was_expected(store: ObjectStore) -> None:
    assert not store.swap_bytes(b"1", "k", b"0")
    assert store.swap_bytes(b"1", "k", None)
    assert not store.swap_bytes(b"2", "k", None)
    assert not store.swap_bytes(b"2", "k", b"0")
    assert store.get_bytes("k") == b"1"
    assert store.swap_bytes(b"2", "k", b"1")
    assert (store.get_bytes("k"), names(store)) == (b"2", ["k"])


def test_of_many_who_swap_at_once_one_wins(store: ObjectStore) -> None:
    store.put_bytes(b"old", "k")
    barrier, won, lost = threading.Barrier(4), list[bytes](), list[str]()

    def swap(at: int) -> None:
        other = open_store(store.address)  # as another machine would
        barrier.wait()
        try:
            if other.swap_bytes(b"%d" % at, "k", b"old"):
                won.append(b"%d" % at)
        except TransientError as error:
            lost.append(str(error))

    threads = [threading.Thread(target=swap, args=(at,)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [store.get_bytes("k")]
    assert all("somebody else" in said for said in lost)
    assert names(store) == ["k"]


def test_a_claim_of_one_who_died_does_not_block_for_ever(rclone_server: Server) -> None:
    store = open_store(StoreAddress(f"s3://{new_bucket(rclone_server.endpoint)}", rclone_server.endpoint))
    store.put_bytes(b"0\n", "k.claims/00000000000000000000000000000000")  # put in 1970
    assert store.swap_bytes(b"new", "k", None)
    assert names(store) == ["k"]


def test_who_finds_an_earlier_claim_has_lost(rclone_server: Server) -> None:
    store = open_store(StoreAddress(f"s3://{new_bucket(rclone_server.endpoint)}", rclone_server.endpoint))
    claim = "k.claims/00000000000000000000000000000000"
    store.put_bytes(b"%d\n" % datetime.now(UTC).timestamp(), claim)
    with pytest.raises(TransientError, match="somebody else"):
        store.swap_bytes(b"new", "k", None)
    assert names(store) == [claim]
