"""A store in an S3 bucket, of Amazon's or of any server that speaks S3, through boto3."""

import hashlib
import logging
import re
import uuid
from base64 import b64encode
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.errors import InputError, TransientError
from tasks.storage.claims import claimed
from tasks.storage.objects import PIECE_BYTES, StoreAddress, checked_key, save_pieces
from tasks.storage.s3_errors import ABSENT, explained, failure, not_s3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ATTEMPTS = 4  # of each request, with waits of up to 1, 2 and 4 s between them
CONNECT_SECONDS = 10
READ_SECONDS = 60  # between two pieces of an answer, not for the whole of it
PART_BYTES = 16 << 20  # larger files go up in parts of this size, and up to 10,000 of them
PARTS_AT_ONCE = 4
LISTED_AT_ONCE = 1000  # S3 gives no more
STALE_UPLOAD = timedelta(days=1)  # an upload in parts that began longer ago has lost its sender
REFUSED = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")  # a put whose condition does not hold
NO_TAG = "0" * 32
LOUD_LOGGERS = ("boto3", "botocore", "s3transfer", "urllib3")

log = logging.getLogger("framewords.storage")
MD5_TAG = re.compile(r"([0-9a-f]{32})(?:-(\d+))?")


class S3Store:
    """Objects below a prefix of a bucket. Safe to share between threads."""

    def __init__(self, address: StoreAddress) -> None:
        self.address = address
        self._bucket = address.bucket
        self._client = _connect(address)
        self._swept = False
        self._conditional: bool | None = None  # not asked yet

    def put_file(self, path: Path, key: str) -> None:
        size = path.stat().st_size
        if size <= PART_BYTES:
            self.put_bytes(path.read_bytes(), key)
            return
        from boto3.s3.transfer import TransferConfig

        if not self._swept:
            self._swept = True
            self._sweep()
        config = TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES, max_concurrency=PARTS_AT_ONCE)
        with self._explained(key), path.open("rb") as body:
            self._client.upload_fileobj(body, self._bucket, self._full(key), Config=config)
        with path.open("rb") as file:
            self._check_stored(key, size, iter(lambda: file.read(PART_BYTES), b""))

    def put_bytes(self, data: bytes, key: str, *, only_new: bool = False) -> bool:
        if only_new and self.size(key) is not None:  # some servers ignore the condition below
            return False
        from botocore.exceptions import ClientError

        digest = hashlib.md5(data, usedforsecurity=False)
        condition: Any = {"IfNoneMatch": "*"} if only_new else {}
        try:
            with self._explained(key, keep=("PreconditionFailed",)):
                self._client.put_object(
                    Bucket=self._bucket, Key=self._full(key), Body=data, ContentMD5=b64encode(digest.digest()).decode(),
                    **condition)
        except ClientError:
            return False
        self._check_stored(key, len(data), iter([data]))
        return True

    def swap_bytes(self, data: bytes, key: str, expected: bytes | None) -> bool:
        """As ObjectStore.swap_bytes: by condition where the server keeps conditions, else by claims (tasks/storage/claims.py)."""
        if self._keeps_conditions(key):
            return self._put_if(data, key, expected)
        with claimed(self, key):
            if self.get_bytes(key) != expected:
                return False
            return self.put_bytes(data, key)

    def _put_if(self, data: bytes, key: str, expected: bytes | None) -> bool:
        from botocore.exceptions import ClientError

        condition: Any = {"IfNoneMatch": "*"}
        if expected is not None:
            head = self._head(key)
            if head is None or self.get_bytes(key) != expected:  # read after its tag: what changes between is refused below
                return False
            condition = {"IfMatch": head["ETag"]}
        try:
            with self._explained(key, keep=REFUSED):
                self._client.put_object(Bucket=self._bucket, Key=self._full(key), Body=data, **condition)
        except ClientError:
            # A retried request is refused by what its first try, whose answer was lost, has written.
            return self.get_bytes(key) == data
        return True

    def _keeps_conditions(self, key: str) -> bool:
        """Whether the server refuses what does not match; asked once, by an object that is put only if it is another."""
        from botocore.exceptions import ClientError

        if self._conditional is None:
            probe = f"{key}.probe-{uuid.uuid4().hex}"
            try:
                self.put_bytes(b"probe", probe)
                with self._explained(probe, keep=(*REFUSED, "NotImplemented", "501")):
                    self._client.put_object(Bucket=self._bucket, Key=self._full(probe), Body=b"other", IfMatch=f'"{NO_TAG}"')
                self._conditional = False
            except ClientError as error:
                self._conditional = error.response.get("Error", {}).get("Code", "") in REFUSED
            finally:
                self.delete(probe)
        return self._conditional

    def get_file(self, key: str, path: Path, *, digest: str = "") -> None:
        save_pieces(self.read(key), path, digest, self._name(key))

    def get_bytes(self, key: str) -> bytes | None:
        return None if self.size(key) is None else b"".join(self.read(key))

    def read(self, key: str) -> Iterator[bytes]:
        """As ObjectStore.read; an answer that is cut short is taken up again where it broke."""
        from botocore.exceptions import IncompleteReadError, ReadTimeoutError, ResponseStreamingError

        reached, tag = 0, ""
        with self._explained(key):
            for left in reversed(range(ATTEMPTS)):
                rest: Any = {"IfMatch": tag, "Range": f"bytes={reached}-"} if reached else {}
                try:
                    reply = self._client.get_object(Bucket=self._bucket, Key=self._full(key), **rest)
                    # Some servers ignore the condition, or the range.
                    if reached and not (reply["ETag"] == tag and reply.get("ContentRange", "").startswith(f"bytes {reached}-")):
                        raise TransientError(f"{self._name(key)}: changed while it was read", "run again")
                    tag = reply["ETag"]
                    for piece in reply["Body"].iter_chunks(PIECE_BYTES):
                        reached += len(piece)
                        yield piece
                    return
                except (IncompleteReadError, ReadTimeoutError, ResponseStreamingError):
                    if not left:
                        raise

    def size(self, key: str) -> int | None:
        head = self._head(key)
        return None if head is None else int(head["ContentLength"])

    def keys(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        start = len(self.address.prefix)
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self.address.prefix + prefix, PaginationConfig={"PageSize": LISTED_AT_ONCE})
        with self._explained(prefix):
            for page in pages:
                for entry in page.get("Contents", []):
                    yield entry["Key"][start:], entry["Size"]

    def delete(self, key: str) -> None:
        with self._explained(key):
            self._client.delete_object(Bucket=self._bucket, Key=self._full(key))

    def prepare(self, *, create: bool) -> bool:
        from botocore.exceptions import ClientError

        try:
            with self._explained("", keep=("NoSuchBucket",)):  # asked by a listing: the answer to HEAD would not say why not
                answer = self._client.list_objects_v2(Bucket=self._bucket, Prefix=self.address.prefix, MaxKeys=1)
            if "Name" not in answer:  # a web page may look like an empty listing
                raise not_s3(self.address)
            return False
        except ClientError as error:
            if not create:
                problem = f"bucket {self._bucket} does not exist{self._at}"
                raise InputError(problem, "make it with --create, or name another") from error
        with self._explained("", keep=("BucketAlreadyOwnedByYou",)):
            region = self.address.region
            place: Any = {"CreateBucketConfiguration": {"LocationConstraint": region}} if region not in ("", "us-east-1") else {}
            self._client.create_bucket(Bucket=self._bucket, **place)
        return True

    def sweep_uploads(self, older_than: timedelta) -> int:
        """Give up uploads in parts below the prefix that began longer ago; returns how many. Their parts cost storage."""
        from botocore.exceptions import ClientError

        before, swept = datetime.now(UTC) - older_than, 0
        pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket, Prefix=self.address.prefix)
        try:
            with self._explained("", keep=("NoSuchUpload",)):  # also what some servers say when there are none
                for entry in [entry for page in pages for entry in page.get("Uploads", []) if entry["Initiated"] <= before]:
                    self._client.abort_multipart_upload(Bucket=self._bucket, Key=entry["Key"], UploadId=entry["UploadId"])
                    swept += 1
        except ClientError as error:
            log.info("no unfinished uploads: %s", error)
        return swept

    def _sweep(self) -> None:
        """As sweep_uploads, where the server lists uploads and lets us."""
        try:
            self.sweep_uploads(STALE_UPLOAD)
        except InputError as error:
            log.info("unfinished uploads are not looked for: %s", error)

    @property
    def _at(self) -> str:
        return f" at {self.address.endpoint}" if self.address.endpoint else ""

    def _full(self, key: str) -> str:
        return self.address.prefix + checked_key(key)

    def _name(self, key: str) -> str:
        return f"s3://{self._bucket}/{self.address.prefix}{key}{self._at}"

    def _head(self, key: str) -> Any:
        """The headers of an object, None when it is not there."""
        from botocore.exceptions import ClientError

        try:
            with self._explained(key, keep=ABSENT):
                return self._client.head_object(Bucket=self._bucket, Key=self._full(key))
        except ClientError:
            return None

    def _check_stored(self, key: str, size: int, parts: Iterator[bytes]) -> None:
        """What the server says it holds, against the parts that were sent: the size, and the digest where its tag is one."""
        head = self._head(key)
        stored = None if head is None else int(head["ContentLength"])
        whole = stored == size
        tag = MD5_TAG.fullmatch(head["ETag"].strip('"')) if whole else None
        if tag and head.get("ServerSideEncryption", "AES256") == "AES256" and "SSECustomerAlgorithm" not in head:
            whole = _tag(parts, in_parts=bool(tag[2])) == tag[0]
        if not whole:
            if head is not None:
                self.delete(key)
            raise TransientError(f"{self._name(key)}: what is stored differs from what was sent", "run again")

    def _explained(self, key: str, keep: tuple[str, ...] = ()) -> AbstractContextManager[None]:
        return explained(self.address, self._name(key), keep)


def _tag(parts: Iterator[bytes], *, in_parts: bool) -> str:
    """The tag of an object as servers make it: MD5 of its bytes, or of the MD5s of its parts and how many there were."""
    if not in_parts:
        whole = hashlib.md5(usedforsecurity=False)
        for part in parts:
            whole.update(part)
        return whole.hexdigest()
    digests = [hashlib.md5(part, usedforsecurity=False).digest() for part in parts]
    return f"{hashlib.md5(b''.join(digests), usedforsecurity=False).hexdigest()}-{len(digests)}"


def _connect(address: StoreAddress) -> "S3Client":
    """A client; no request is made yet."""
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ModuleNotFoundError as error:
        raise InputError(f"{address.url} needs boto3", "pip install 'framewords[nightly]'") from error
    for name in LOUD_LOGGERS:
        logging.getLogger(name).setLevel(logging.INFO)  # at DEBUG they log session tokens
    other: Any = {"s3": {"addressing_style": "path"}, "request_checksum_calculation": "when_required",
             "response_checksum_validation": "when_required"} if address.endpoint else {}
    config = Config(
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS}, connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS, max_pool_connections=4 * PARTS_AT_ONCE, **other)
    try:
        session = boto3.session.Session(profile_name=address.profile or None, region_name=address.region or None)
        return session.client("s3", endpoint_url=address.endpoint or None, config=config)
    except BotoCoreError as error:
        raise failure(error, address) from error
