"""Text as weighted terms: the half of text search that knows language.

The score is BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond",
2009, eq. 3.15) as an inner product of two sparse vectors. A chunk's holds what depends on the chunk
alone: the saturated frequency of its terms, against a fixed average length, so that it never has to
be written again when others come. A query's holds how rare its terms are. Each stem is hashed to a
dimension.
"""

import math
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import Stemmer
from django.conf import settings

from knowledge.models import DIMENSIONS

K1, B = 1.2, 0.75  # the usual ones
AVERAGE_LENGTH = 80.0  # terms of a chunk that fills the window with English prose, about
MASK = (1 << 30) - 1  # a term is below DIMENSIONS, which is below 2**30
LONGEST_TERM = 100  # characters; beyond, it is data and no word
MOST_TERMS = 4_000  # of a chunk, and of a query; a sparsevec holds 16,000

# Scripts that put no space between words: Thai, Lao, Burmese, Khmer, kana, hangul, ideographs.
# (Korean has spaces, but glues its particles to the word.)
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
# Vowel signs and accents that stand after their letter: for `\w` they would end the word.
MARKS = "".join(
    chr(code) for code in range(0x300, 0x10000) if unicodedata.category(chr(code)) in ("Mn", "Mc")
)
LETTER = rf"[^\W_{UNSPACED}]"


def pattern(letter: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """One that finds runs and tokens, and one that finds a token's words.

    A token is what is written together: `ERR-4012`, `teams-integration.pdf`, `max_tokens`, `3.14`.
    """
    word = rf"{letter}+(?:'{letter}+)*"
    token = rf"{word}(?:[-_./@:+#&]{word})*(?:\+\+|\#)?"
    return re.compile(rf"(?P<run>[{UNSPACED}]+)|(?P<token>{token})"), re.compile(word)


ASCII = pattern("[^\\W_]")
ANY = pattern(rf"(?:{LETTER}|[{MARKS}])")
STOP_WORDS = Path(__file__).parent / "stop_words"


@cache
def stemmer(language: str) -> Stemmer.Stemmer:
    return Stemmer.Stemmer(language)


@cache
def stop_words(language: str) -> frozenset[str]:
    """Empty for a language that we have no list of: there, rarity alone tells what matters."""
    path = STOP_WORDS / f"{language}.txt"
    return frozenset(path.read_text().split()) if path.exists() else frozenset()


def normalize(text: str) -> str:
    """One spelling of what looks the same: full-width letters, ligatures, quotes, case."""
    return unicodedata.normalize("NFKC", text).replace("\u2019", "'").casefold()


def fold(word: str) -> str:
    """Without accents, as people type."""
    if word.isascii():
        return word
    decomposed = unicodedata.normalize("NFKD", word)
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def terms(text: str, *, singles: bool = False) -> Iterator[str]:
    """The terms of a text as they come, with repetitions.

    Words as stems, without stop words. What is written together is a term too, beside its parts:
    `err-4012`, `err`, `4012`. Scripts without spaces as pairs of characters; with `singles`, as
    single ones too, for queries of one character.
    """
    stem, stops = stemmer(settings.SEARCH_LANGUAGE), stop_words(settings.SEARCH_LANGUAGE)
    text = normalize(text)
    tokens, words = ASCII if text.isascii() else ANY
    for match in tokens.finditer(text):
        if run := match["run"]:
            yield from pairs(run, singles)
            continue
        parts = words.findall(match["token"])
        if parts != [match["token"]]:
            yield fold(match["token"])[:LONGEST_TERM]
        for word in parts:
            if word not in stops:
                yield fold(stem.stemWord(word))[:LONGEST_TERM]


def pairs(run: str, singles: bool) -> Iterator[str]:
    if singles or len(run) == 1:
        yield from run
    for first, second in pairwise(run):
        yield first + second


@lru_cache(maxsize=100_000)
def dimension(term: str) -> int:
    """From 1 to DIMENSIONS - 1."""
    return zlib.crc32(term.encode()) % (DIMENSIONS - 1) + 1


def count_query(text: str) -> Counter[int]:
    """How often each term occurs, by its dimension: the most frequent MOST_TERMS."""
    counted = Counter(dimension(term) for term in terms(text))
    return Counter(dict(counted.most_common(MOST_TERMS)))


def count_chunk(*texts: str) -> Counter[int]:
    """The same of a chunk's content, title and file name."""
    return Counter(dimension(term) for text in texts for term in terms(text, singles=True))


def chunk_weights(counted: Mapping[int, int]) -> dict[int, float]:
    """The chunk's side of BM25, each weight below 1: the formula divided by its limit, k1 + 1."""
    length = sum(counted.values()) / AVERAGE_LENGTH
    norm = K1 * (1 - B + B * length)
    kept = Counter(counted).most_common(MOST_TERMS)
    return {term: frequency / (frequency + norm) for term, frequency in kept}


def query_weights(
    counted: Mapping[int, int], chunks_with: Mapping[int, int], chunks: int
) -> dict[int, float]:
    """The query's side of BM25: how rare its terms are, so that they sum to 1.

    That makes a score the share of the highest that the query could reach: absolute, from 0 to 1.
    """
    rarities = {
        term: frequency * rarity(chunks_with.get(term, 0), chunks)
        for term, frequency in counted.items()
    }
    most = sum(rarities.values())
    return {term: value / most for term, value in rarities.items()} if most else {}


def rarity(chunks_with: int, chunks: int) -> float:
    """The inverse document frequency that is never negative."""
    chunks = max(chunks, chunks_with)
    return math.log(1 + (chunks - chunks_with + 0.5) / (chunks_with + 0.5))


def to_sparsevec(weights: Mapping[int, float]) -> str:
    """As PostgreSQL reads it: `{dimension:weight,...}/1000000000`."""
    inner = ",".join(f"{term}:{weight:.6g}" for term, weight in sorted(weights.items()))
    return f"{{{inner}}}/{DIMENSIONS}"


def audience_hash(audience: UUID) -> int:
    """31 bits, 0 for EVERYONE. Two that are alike cost a look at some foreign rows, no more."""
    return audience.int & 0x7FFFFFFF


def keys(audience_hash: int, dimensions: Iterable[int]) -> list[int]:
    """What the index of terms holds: the audience's terms and nobody else's."""
    return sorted(audience_hash << 32 | term for term in dimensions)
