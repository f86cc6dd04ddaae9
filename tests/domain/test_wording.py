"""Text from outside is printed in one line, without control characters, and long lists are cut."""

import pytest

from exporter.domain.wording import MOST_NAMED, enumerated, one_line, printable


def test_control_characters_and_halves_of_characters_are_replaced() -> None:
    assert printable("a\x1b[31mb\ud800\u202e ü🚀") == "a�[31mb�� ü🚀"
    assert printable("a\tb\nc", " ") == "a b c"
    assert one_line("  a \r\n\t b\x00c ") == "a b c"


@pytest.mark.parametrize(
    ("count", "said"), [(0, ""), (1, "0"), (MOST_NAMED, ", ".join(map(str, range(MOST_NAMED))))], ids=str
)
def test_a_short_list_is_whole(count: int, said: str) -> None:
    assert enumerated([str(number) for number in range(count)]) == said


def test_a_long_list_says_how_many_more_there_are() -> None:
    assert enumerated(["a"] * (MOST_NAMED + 3)).endswith("a, a and 3 more")
