"""Family 21: forms and the names of parts must not take quadratic time.

No clock: each of these inputs is long enough for a quadratic reader to run into the timeout.
"""

import pytest

from tercel.content.dispositions import format_form_disposition, read_part_names
from tercel.web.forms import parse_urlencoded

COUNT = 100_000


@pytest.mark.parametrize("piece", ["a", "&", ";", "=", "%", "%41", "+", "a=b&", "a=b;", "%%", "é"])
def test_urlencoded(piece: str) -> None:
    parse_urlencoded((piece * COUNT).encode())
    parse_urlencoded(("a=" + piece * COUNT).encode())


@pytest.mark.parametrize(
    "piece", ["a", ";", "=", '"', "\\", '\\"', "\\\\", "%", "%22", "a=b;", "'", "*", " "]
)
def test_names_of_parts(piece: str) -> None:
    for start in ("form-data; ", 'form-data; name="', "form-data; filename*=utf-8''"):
        read_part_names(start + piece * COUNT)
        read_part_names(start + piece * COUNT + '"')
    format_form_disposition(piece * COUNT, piece * COUNT)


def test_pieces_of_names() -> None:
    read_part_names("form-data" + "".join(f"; filename*{i}=a" for i in range(20_000)))
