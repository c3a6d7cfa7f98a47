"""The nouns every step shares: a video, its media, and the tables passed from one step to the next.

Time is float seconds from the start of the media by presentation timestamp; `end` is excluded.
Tables are Parquet; the column types below are the contract between the step that writes and those that read.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

VIDEO_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
FORGOTTEN = "forgotten"


@dataclass(frozen=True)
class Video:
    """One row of data/videos.csv. Titles and names are data, never paths.

    id: `<site>_<id>`, or `file_<16 hex of blake2b>` for a local file.
    url: the address or absolute path it is fetched from.
    source: the subscription or argument it was found through.
    uploaded: ISO date or empty.
    state: `listed`, or `forgotten`: then all but id and first_seen is empty. Outcomes live in the ledger.
    """

    id: str
    url: str
    source: str = ""
    title: str = ""
    channel: str = ""
    uploaded: str = ""
    licence: str = ""
    first_seen: str = ""
    state: str = "listed"

    def __post_init__(self) -> None:
        if not VIDEO_ID.fullmatch(self.id):
            raise ValueError(f"invalid video id: {self.id!r}")

    @property
    def is_forgotten(self) -> bool:
        return self.state == FORGOTTEN


@dataclass(frozen=True)
class Caption:
    """One caption file as the site gave it.

    kind: `manual` (a person wrote it) or `auto` (the site's own recogniser).
    format: `vtt`, `srt` or `json3`.
    """

    path: Path
    language: str
    kind: str
    format: str


@dataclass(frozen=True)
class Media:
    """What download hands on: whole, checked files of one video. Paths are absolute.

    picture and sound may be the same file; sound is None when the video has no sound track.
    content: 32 hex that change when any byte of picture, sound or captions changes; what later steps depend on.
    duration: seconds, as decoded from the container and checked against what the site declared.
    """

    video_id: str
    picture: Path
    sound: Path | None
    captions: tuple[Caption, ...]
    thumbnail: Path | None
    info: Path
    duration: float
    content: str


# Why a sampled frame is not kept; None means kept.
FRAME_DROPS = ("black", "blank", "blurred", "duplicate", "damaged")

FRAMES = pa.schema([
    pa.field("video_id", pa.string(), nullable=False),
    pa.field("frame", pa.int32(), nullable=False),  # 0, 1, 2 ... in order of time: the sampled frames of this video
    pa.field("timestamp", pa.float64(), nullable=False),
    pa.field("end", pa.float64(), nullable=False),  # when the next sample begins, or the video ends
    pa.field("width", pa.int32(), nullable=False),  # upright display size in px, as decoded
    pa.field("height", pa.int32(), nullable=False),
    pa.field("phash", pa.uint64(), nullable=False),
    pa.field("flat", pa.bool_(), nullable=False),  # too flat a picture for its hash bits to mean anything
    pa.field("luma", pa.float32(), nullable=False),  # mean, 0-255
    pa.field("contrast", pa.float32(), nullable=False),  # standard deviation of luma, 0-128
    pa.field("sharpness", pa.float32(), nullable=False),  # variance of the Laplacian at 160 px
    # Mean colour of a 4 x 4 grid, rows first, (Y, Cb, Cr) each: a coarse picture for visual clusters. 48 bytes.
    pa.field("layout", pa.binary(48), nullable=False),
    pa.field("dropped", pa.string()),  # one of FRAME_DROPS, or null when kept
    pa.field("duplicate_of", pa.int32()),  # the earlier frame of this video it repeats
    pa.field("jpeg", pa.binary()),  # only where kept
    pa.field("jpeg_width", pa.int32()),
    pa.field("jpeg_height", pa.int32()),
])

# Why a word is no key word; None means it is one.
WORD_DROPS = ("punctuation", "filler", "stopword", "number", "low_confidence", "too_short", "out_of_range", "not_visual")

# What an engine heard, before key words are picked.
HEARD = pa.schema([
    pa.field("video_id", pa.string(), nullable=False),
    pa.field("word_index", pa.int32(), nullable=False),
    pa.field("segment", pa.int32(), nullable=False),  # a sentence or utterance: 0, 1, 2 ...
    pa.field("word", pa.string(), nullable=False),  # as heard or captioned
    pa.field("start", pa.float64(), nullable=False),
    pa.field("end", pa.float64(), nullable=False),
    pa.field("confidence", pa.float32(), nullable=False),  # 0-1
    pa.field("engine", pa.string(), nullable=False),  # vosk | captions | pocketsphinx
    pa.field("model", pa.string(), nullable=False),  # model name, or the caption file's language and kind
    pa.field("timing_source", pa.string(), nullable=False),  # word | segment (shared out within a segment by length)
])

WORDS = pa.schema([
    *HEARD,
    pa.field("lemma", pa.string(), nullable=False),  # set by keywords; the label when the word is a key
    pa.field("why_not", pa.string()),  # one of WORD_DROPS, or null when it is a key word
    pa.field("rarity", pa.float32(), nullable=False),  # 0 common .. 1 rare, in this video against the corpus so far
    pa.field("visual", pa.float32(), nullable=False),  # 0-1; 0.5 while the corpus cannot tell
])

LABEL = pa.struct([
    pa.field("label", pa.string(), nullable=False),  # lemma
    pa.field("weight", pa.float32(), nullable=False),  # calibrated probability that the picture shows it
    pa.field("offset_seconds", pa.float32(), nullable=False),  # heard minus shown: positive when said after
    pa.field("word_index", pa.int32(), nullable=False),  # the source word with the greatest weight
    pa.field("start", pa.float64(), nullable=False),  # when that word was spoken; never corrected
    pa.field("confidence", pa.float32(), nullable=False),
    pa.field("count", pa.int32(), nullable=False),  # how many times it was said within the window
])

EXAMPLES = pa.schema([
    pa.field("video_id", pa.string(), nullable=False),
    pa.field("frame", pa.int32(), nullable=False),
    pa.field("timestamp", pa.float64(), nullable=False),
    pa.field("until", pa.float64(), nullable=False),  # the picture stays on screen, without a break, until then
    pa.field("labels", pa.list_(LABEL), nullable=False),  # heaviest first
    pa.field("sentence", pa.string(), nullable=False),  # the words of the segments heard nearest the frame
    pa.field("sentence_start", pa.float64()),
    pa.field("p_alignable", pa.float32()),  # null until a net has looked (retraining fills it)
    # The video's own lag of speech behind picture; null when the data do not carry it.
    pa.field("video_offset_seconds", pa.float32()),
    pa.field("video_offset_confidence", pa.float32(), nullable=False),  # 0 when not estimated
])
