"""What boto3 raises, in words a person can act on. Never a secret, always one line: servers are not believed."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from tasks.errors import InputError, TransientError, WorkflowError
from tasks.storage.objects import StoreAddress, missing

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

SHOWN_CHARACTERS = 160
ABSENT = ("404", "NoSuchKey", "NotFound")
WRONG_KEYS = ("SignatureDoesNotMatch", "InvalidAccessKeyId", "AuthFailure", "InvalidClientTokenId")
OLD_KEYS = ("ExpiredToken", "InvalidToken", "TokenRefreshRequired", "ExpiredTokenException", "RequestExpired")
ELSEWHERE = ("PermanentRedirect", "301", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException",
             "InvalidLocationConstraint", "IncorrectEndpoint")
# What another try can mend, whatever the status: also an upload that was given up by someone else, or damaged on its way.
BUSY = ("SlowDown", "RequestTimeout", "Throttling", "ThrottlingException", "TooManyRequests", "OperationAborted",
        "ConditionalRequestConflict", "PreconditionFailed", "NoSuchUpload", "BadDigest", "IncompleteBody")


@contextmanager
def explained(address: StoreAddress, name: str, keep: tuple[str, ...] = ()) -> Iterator[None]:
    """Turn the errors of boto3 into ours.

    name: what is asked for. keep: error codes to let through as they are.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in keep:
            raise
        if code in ABSENT:
            raise missing(name) from error
        raise _refusal(error, code, name, address) from error
    except ResponseParserError as error:
        raise not_s3(address) from error
    except BotoCoreError as error:
        raise failure(error, address) from error


def not_s3(address: StoreAddress) -> InputError:
    """What to say when something answers, but not as S3 does."""
    return InputError(f"{address.endpoint or address.url}: what answers is no S3 server", "correct --endpoint")


def failure(error: Exception, address: StoreAddress) -> WorkflowError:
    """What to say when no answer came, or no request could be made."""
    import botocore.exceptions as aws

    where, kind = address.endpoint or address.url, type(error).__name__
    text = _one_line(error)
    if isinstance(error, aws.ProfileNotFound):
        return InputError(f"no AWS profile {address.profile!r}", "name one that `aws configure list-profiles` shows")
    if isinstance(error, aws.SSLError) and ("CERTIFICATE_VERIFY" in text or "WRONG_VERSION" in text):
        return InputError(f"{where}: no TLS that can be trusted", "correct the endpoint's scheme or its certificate")
    if isinstance(error, aws.HTTPClientError | aws.ConnectionError | aws.IncompleteReadError):
        return TransientError(f"{where}: the store does not answer ({kind})", "check its address, or run again later")
    if re.search(r"credential|token|sso", f"{kind} {text}", re.IGNORECASE):
        return InputError(f"{where}: no credentials ({kind})",
                          "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile with --profile")
    return InputError(f"{where}: {text}", "correct the AWS configuration")


def _refusal(error: "ClientError", code: str, name: str, address: StoreAddress) -> WorkflowError:
    """What to say when the server answered no."""
    answer: Any = error.response
    facts = answer.get("ResponseMetadata", {})
    status, headers = int(facts.get("HTTPStatusCode", 0)), facts.get("HTTPHeaders", {})
    shown_code, said = _one_line(code or status), _one_line(answer.get("Error", {}).get("Message", ""))
    who = f"profile {address.profile}" if address.profile else "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    if code == "RequestTimeTooSkewed":
        return TransientError(f"{name}: this machine's clock and the store's differ{_skew(headers)}", "correct the clock")
    if code == "NoSuchBucket":
        return InputError(f"{name}: no such bucket", "make it with `framewords remote URL --create`")
    if code == "BucketAlreadyExists":
        return InputError(f"{name}: the bucket belongs to somebody else", "choose another name")
    if code == "InvalidBucketName":
        return InputError(f"{name}: the store takes no such bucket name", "choose another")
    if code in WRONG_KEYS:
        return InputError(f"{name}: the store refuses the credentials ({code})", f"correct {who}")
    if code in OLD_KEYS:
        return InputError(f"{name}: the credentials have expired ({code})", f"renew {who}")
    if code in ELSEWHERE:
        region = answer.get("Error", {}).get("Region") or headers.get("x-amz-bucket-region") or "of the bucket"
        return InputError(f"{name}: the bucket is in another region", f"give --region {_one_line(region)}")
    if code in BUSY or (status >= 500 and status != 501):
        return TransientError(f"{name}: the store is not able to now ({shown_code})", "run again later")
    if status == 403:
        return InputError(f"{name}: no permission ({shown_code}: {said})", f"correct {who}, or what they are allowed to")
    return InputError(f"{name}: the store said {shown_code}: {said}", "correct the address, or choose another server")


def _skew(headers: dict[str, str]) -> str:
    """By how much the server's clock differs, by the date of its answer; empty when it gives none."""
    try:
        ahead = (datetime.now(UTC) - parsedate_to_datetime(headers.get("date", ""))) / timedelta(minutes=1)
    except (TypeError, ValueError):
        return ""
    return f" by {abs(ahead):.0f} min ({'ours is ahead' if ahead > 0 else 'ours is behind'})"


def _one_line(text: object) -> str:
    return "".join(c if c.isprintable() else " " for c in str(text)[:SHOWN_CHARACTERS])
