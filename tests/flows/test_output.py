import pytest

from flows.output import Line, Lines


def read(*parts: str) -> list[Line]:
    lines = Lines()
    found = [line for part in parts for line in lines.feed(part.encode())]
    return found + list(lines.feed(b"", final=True))


def test_output_is_cut_into_lines_however_it_comes() -> None:
    text = "loads\r\n\n\x1b[1mşimdi\x1b[0m\nends"
    wanted = [Line("loads", False), Line("şimdi", False), Line("ends", False)]
    assert read(text) == wanted
    lines = Lines()
    found = [line for byte in text.encode() for line in lines.feed(bytes([byte]))]
    assert found + list(lines.feed(b"", final=True)) == wanted


@pytest.mark.parametrize(
    "bar",
    [
        "train:  33%|███       | 1/3 [00:01<00:02,  1.00it/s]",
        "train:  33%|███",
        "Writing model shards: 100%|##########| 1/1 [00:00<00:00, 44.20it/s]",
        "Receiving objects:  10%",
    ],
)
def test_output_that_is_drawn_over_and_over_is_a_bar(bar: str) -> None:
    assert read(f"\r{bar}\r{bar}") == [Line(bar, True), Line(bar, True)]


def test_output_behind_a_bar_is_a_line() -> None:
    bar = "train:  33%|███       | 1/3 [00:01<00:02,  1.00it/s]"
    assert read(f"\r{bar}train: rows is 3, wanted 4\n") == [
        Line(bar, True),
        Line("train: rows is 3, wanted 4", False),
    ]
    assert read(f"\r{bar}\nsaved\n") == [Line(bar, True), Line("saved", False)]


def test_output_of_a_share_is_no_bar() -> None:
    assert read("33% of the rows are clean\n") == [Line("33% of the rows are clean", False)]
