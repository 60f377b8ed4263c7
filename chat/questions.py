"""What is searched for: the question, and where it leans on an earlier one, that one too.

No model is asked. A follow-up shows itself by how it is made ("and for premium?", "does it
retry?"); then the last question that stood on its own is put before it.
"""

import re
from collections.abc import Sequence

LONGEST = 1_000  # characters; of a longer message, the beginning and the end
WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
CONTINUES = re.compile(
    r"\s*(?:and|or|but|also|then|so|what about|how about|what if|same|only|even|why not)\b", re.I
)
# Words that stand for something said before.
STANDS_IN = re.compile(
    r"\b(?:it|its|they|them|theirs?|this|that|these|those|ones?|there|such|former|latter|he|him|his|"
    r"she|hers?)\b",
    re.I,
)
# With one of these a question has a subject of its own to ask about, however short it is.
ASKS = re.compile(
    r"\b(?:what|how|where|when|who|whom|whose|which|why|can|could|do|does|did|is|are|am|was|were|"
    r"will|would|should|shall|may|might|must|has|have|had|i)\b",
    re.I,
)
# What people say between two questions.
COURTESY = re.compile(
    r"\s*(?:thanks?|thx|ok|okay|great|good|nice|cool|perfect|wow|hi|hello|hey|yes|no|yeah|bye|sorry|"
    r"please|got it|i see)\b",
    re.I,
)
FEW_WORDS = 6


def searched(questions: Sequence[str]) -> str:
    """The text to search for; `questions` are all of the branch, the newest last.

    A follow-up is said twice, so that it weighs more than what it follows.
    """
    *earlier, newest = [cut(question) for question in questions]
    if not leans(newest):
        return newest
    subject = next((text for text in reversed(earlier) if stands_alone(text)), None)
    return newest if subject is None else f"{subject}\n{newest}\n{newest}"


def leans(question: str) -> bool:
    """Whether a question says only with an earlier one what it asks."""
    few = len(WORD.findall(question)) <= FEW_WORDS
    if not question.rstrip().endswith(("?", "？", "؟")):
        return few and bool(CONTINUES.match(question))
    if CONTINUES.match(question) or STANDS_IN.search(question):
        return True
    return few and not ASKS.search(question)


def stands_alone(question: str) -> bool:
    return not leans(question) and not COURTESY.match(question)


def cut(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    half = LONGEST // 2
    return f"{text[:half]}\n{text[-half:]}"
