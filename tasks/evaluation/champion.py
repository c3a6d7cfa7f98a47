"""Which version of a net is in use: champion.json, moved by compare-and-swap, with the history of its moves.

It names the files of the version by digest. A version that is promoted or rolled back to is hashed before and after, so that
what is in use is byte for byte what was judged.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tasks.errors import InputError, IntegrityError, TransientError
from tasks.evaluation.gate import VERDICT, Verdict, read_verdict
from tasks.storage.artefact import digest_file
from tasks.storage.objects import ObjectStore, StoreAddress, open_store

CHAMPION = "champion.json"
FILES = ("net.json", "weights.safetensors")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
REMEDY = "restore it with `dvc checkout`, or choose another version"


@dataclass(frozen=True)
class Champion:
    """What champion.json says.

    generation: 1, 2, 3 ... with each move. files: digest of each file of the version (blake2b-128).
    why: the verdict it was promoted by; empty for a roll-back without one. forced: promoted against a verdict, or without.
    how: promoted | rolled back. history: the moves before, oldest first, without their own history.
    """

    net: str
    version: str
    generation: int
    files: Mapping[str, str]
    why: Mapping[str, Any]
    forced: bool
    how: str
    history: tuple[Mapping[str, Any], ...]

    @property
    def weights(self) -> str:
        return self.files["weights.safetensors"]


class Pointer:
    """champion.json of a net: in the models' folder, or on a store below the same key."""

    def __init__(self, store: ObjectStore, net: str) -> None:
        if not NAME.fullmatch(net):
            raise InputError(f"{net[:80]!r} is not the name of a net", "use letters, digits and . _ -")
        self._store, self.key, self.net = store, f"{net}/{CHAMPION}", net

    def read(self) -> tuple[Champion | None, bytes | None]:
        """The champion, and the bytes that a move must find still there; None where there is none.

        Raises IntegrityError when the file is damaged.
        """
        content = self._store.get_bytes(self.key)
        return (None if content is None else _parse(content, self.key, self.net)), content

    def move(self, champion: Champion, found: bytes | None) -> None:
        """Raises TransientError when another move came between, and leaves that."""
        said = json.dumps(asdict(champion), indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"
        if not self._store.swap_bytes(said, self.key, found):
            now, _ = self.read()
            winner = f"{now.version} is" if now else "another is"
            problem = f"{self.net}: not moved to {champion.version}; {winner} champion meanwhile"
            raise TransientError(problem, "evaluate against it")


def pointer_in(models: Path, net: str) -> Pointer:
    """The pointer in a folder of nets (data/models)."""
    return Pointer(open_store(StoreAddress(str(models.resolve()))), net)


def read_champion(models: Path, net: str) -> Champion | None:
    """The champion of a net; None where none was promoted yet. Raises IntegrityError when champion.json is damaged."""
    return pointer_in(models, net).read()[0]


def promote(
    models: Path, net: str, version: str, verdict: Verdict | None, *, force: bool = False, pointer: Pointer | None = None,
) -> Champion:
    """Make a version the champion.

    verdict: on this version against the present champion. force: promote whatever it says; this is recorded.
    pointer: where champion.json is, if not beside the version.
    Raises InputError when the verdict is against it or about something else, IntegrityError when its files are not whole,
    TransientError when somebody else promoted meanwhile.
    """
    pointer = pointer or pointer_in(models, net)
    champion, found = pointer.read()
    folder = _folder(models, net, version)
    files = _digests(folder)
    if champion and champion.version == version and champion.files == files:
        return champion
    if not force:
        _check(verdict, net, version, files, champion)
    forced = force and not (verdict and verdict.passed)
    moved = _after(champion, net, version, files, asdict(verdict) if verdict else {}, forced=forced, how="promoted")
    pointer.move(moved, found)
    _check_after(folder, files)
    return moved


def roll_back(models: Path, net: str, version: str, *, pointer: Pointer | None = None) -> Champion:
    """Make an earlier champion the champion again, if its files are still the very bytes they were.

    Raises InputError when it never was champion or is now, IntegrityError when its files have changed, TransientError when
    somebody else moved the champion meanwhile.
    """
    pointer = pointer or pointer_in(models, net)
    champion, found = pointer.read()
    if champion is None:
        raise InputError(f"{net}: no champion yet", "promote a version first")
    if champion.version == version:
        raise InputError(f"{net}: {version} is the champion already", "see `framewords models`")
    past = [move for move in champion.history if move["version"] == version]
    if not past:
        known = ", ".join(dict.fromkeys(str(move["version"]) for move in champion.history)) or "none"
        raise InputError(f"{net}: {version[:80]} never was champion", f"earlier ones: {known}")
    folder, files = _folder(models, net, version), past[-1]["files"]
    _check_after(folder, files)
    moved = _after(champion, net, version, files, past[-1]["why"], forced=bool(past[-1]["forced"]), how="rolled back")
    pointer.move(moved, found)
    _check_after(folder, files)
    return moved


@dataclass(frozen=True)
class ListedModel:
    """A version of a net. dataset: its tag or digest. figures: from its card. verdict: None while it is not judged."""

    net: str
    version: str
    is_champion: bool
    dataset: str
    figures: Mapping[str, float]
    verdict: Verdict | None
    forgotten: tuple[str, ...]


def list_models(models: Path) -> list[ListedModel]:
    """Every version below the folder of nets, by name; champions as their pointers say.

    Raises IntegrityError for a card, verdict or pointer that is damaged.
    """
    listed = []
    for folder in sorted(path.parent for path in models.glob("*/*/net.json")):
        net, version = folder.parts[-2:]
        champion = read_champion(models, net)
        card = _card(folder)
        listed.append(ListedModel(
            net, version, champion is not None and champion.version == version,
            str(card.get("dataset_version") or card.get("dataset", {}).get("digest", "")), card.get("metrics", {}),
            read_verdict(folder), tuple(card.get("forgotten", ()))))
    return listed


def _card(folder: Path) -> dict[str, Any]:
    path = folder / "card.json"
    try:
        return dict(json.loads(path.read_bytes())) if path.is_file() else {}
    except (OSError, ValueError, TypeError) as error:
        raise IntegrityError(f"{path}: not a model card", REMEDY) from error


def _folder(models: Path, net: str, version: str) -> Path:
    if not NAME.fullmatch(version) or not (models / net / version).is_dir():
        raise InputError(f"{net}: no version {version[:80]!r}", "see `framewords models`")
    return models / net / version


def _digests(folder: Path) -> dict[str, str]:
    for name in FILES:
        if not (folder / name).is_file():
            raise IntegrityError(f"{folder / name}: missing", REMEDY)
    return {name: digest_file(folder / name) for name in FILES}


def _check_after(folder: Path, files: Mapping[str, str]) -> None:
    """Raises IntegrityError when a version is not byte for byte what it was when it was promoted."""
    for name, digest in _digests(folder).items():
        if files.get(name) != digest:
            raise IntegrityError(f"{folder / name}: not the bytes that were promoted", REMEDY)


def _check(verdict: Verdict | None, net: str, version: str, files: Mapping[str, str], champion: Champion | None) -> None:
    if verdict is None:
        raise InputError(f"{net}/{version}: not judged yet", "run `framewords evaluate`, or promote it with --force")
    if verdict.candidate != f"{net}/{version}" or verdict.weights != files["weights.safetensors"]:
        raise InputError(f"{net}/{version}: its {VERDICT} is about other weights", "run `framewords evaluate` again")
    if not verdict.passed:
        raise InputError(f"{net}/{version} is refused ({verdict.reasons[0]})", "train a better one, or promote it with --force")
    judged_against = verdict.champion.rpartition("/")[2]
    if judged_against != (champion.version if champion else "chance"):
        now = champion.version if champion else "none"
        raise TransientError(f"{net}/{version}: judged against {judged_against}, but the champion is {now}", "evaluate again")


def _after(
    champion: Champion | None, net: str, version: str, files: Mapping[str, str], why: Mapping[str, Any], *, forced: bool,
    how: str,
) -> Champion:
    history: tuple[Mapping[str, Any], ...] = ()
    if champion:
        past = asdict(champion)
        history = (*champion.history, {key: value for key, value in past.items() if key not in ("history", "net")})
    return Champion(net, version, champion.generation + 1 if champion else 1, files, why, forced, how, history)


def _parse(content: bytes, name: str, net: str) -> Champion:
    try:
        said = json.loads(content)
        champion = Champion(**{**said, "history": tuple(said["history"])})
        moves = [*champion.history, said]
        whole = champion.net == net and [move["generation"] for move in moves] == list(range(1, len(moves) + 1)) and all(
            NAME.fullmatch(move["version"]) and set(move["files"]) == set(FILES) for move in moves)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise IntegrityError(f"{name}: damaged ({type(error).__name__})", "restore it from git or the store") from error
    if not whole:
        raise IntegrityError(f"{name}: altered, its moves do not follow each other", "restore it from git or the store")
    return champion
