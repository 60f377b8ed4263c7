"""The text of a key: its form, its checksum, and that both are looked at before the database."""

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import keys


def test_a_key_is_a_prefix_32_random_characters_and_6_of_checksum() -> None:
    assert re.fullmatch(r"cb_live_[0-9A-Za-z]{32}[0-9A-Za-z]{6}", keys.make())


def test_no_two_keys_are_alike() -> None:
    assert len({keys.make() for _ in range(1000)}) == 1000


def test_the_checksum_is_the_crc32_in_base62() -> None:
    # CRC-32 (ISO 3309) of 32 zeros.
    digits = string.digits + string.ascii_uppercase + string.ascii_lowercase
    number = 0
    for character in keys.checksum("0" * 32):
        number = number * 62 + digits.index(character)
    assert number == 0xA0F292D0
    assert len(keys.checksum("0" * 32)) == 6


def test_a_made_key_parses_to_its_sha256() -> None:
    secret = keys.make()
    assert keys.parse(secret) == keys.hash_of(secret)
    assert len(keys.hash_of(secret)) == 32


@given(st.integers(8, 45), st.sampled_from(keys.BASE62))
def test_a_single_wrong_character_is_noticed(position: int, character: str) -> None:
    secret = keys.make()
    wrong = secret[:position] + character + secret[position + 1 :]
    assert (keys.parse(wrong) is None) == (wrong != secret)


@pytest.mark.parametrize("text", ["", "cb_live_", "sk-abc", "cb_live_" + "0" * 38, "\0", "\udcff"])
def test_what_make_cannot_have_made_does_not_parse(text: str) -> None:
    assert keys.parse(text) is None


def test_nothing_around_a_key_is_let_through() -> None:
    secret = keys.make()
    for text in (
        f" {secret}",
        f"{secret} ",
        f"{secret}\n",
        secret.upper(),
        secret[:-1],
        secret * 2,
    ):
        assert keys.parse(text) is None
