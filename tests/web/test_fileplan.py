"""What a request for a file gets, as rows: headers in, status and octets out."""

import os

import pytest

from tercel.web.fileplan import guess_content_type, plan_answer

SIZE = 50
MTIME = 1_700_000_000
DATE = "Tue, 14 Nov 2023 22:13:20 GMT"
BEFORE = "Tue, 14 Nov 2023 22:13:19 GMT"
AFTER = "Tue, 14 Nov 2023 22:13:21 GMT"


def make_stat(size: int = SIZE, mtime_ns: int = MTIME * 10**9) -> os.stat_result:
    seconds = mtime_ns / 10**9
    return os.stat_result(
        (0o100644, 1, 1, 1, 0, 0, size, int(seconds), int(seconds), int(seconds)),
        {"st_mtime": seconds, "st_mtime_ns": mtime_ns},
    )


TAG = f'"{MTIME * 10**9:x}-{SIZE:x}"'
WHOLE = (200, 0, SIZE)
ABSENT = (304, 0, 0)
FAILED = (412, 0, 0)
OUTSIDE = (416, 0, 0)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, WHOLE),
        ({"Range": "bytes=0-3"}, (206, 0, 4)),
        ({"Range": "bytes=0-0"}, (206, 0, 1)),
        ({"Range": "bytes=-3"}, (206, 47, 3)),
        ({"Range": "bytes=-50"}, (206, 0, 50)),
        ({"Range": "bytes=-1000"}, (206, 0, 50)),
        ({"Range": "bytes=0-"}, (206, 0, 50)),
        ({"Range": "bytes=49-"}, (206, 49, 1)),
        ({"Range": "bytes=48-1000"}, (206, 48, 2)),
        ({"Range": "bytes=50-"}, OUTSIDE),
        ({"Range": "bytes=100-200"}, OUTSIDE),
        ({"Range": "bytes=-0"}, OUTSIDE),
        ({"Range": "bytes=3-1"}, OUTSIDE),
        ({"Range": "bytes="}, OUTSIDE),
        ({"Range": "bytes=-"}, OUTSIDE),
        ({"Range": "bytes=a-b"}, OUTSIDE),
        ({"Range": "lines=1-2"}, WHOLE),
        ({"Range": "bytes=0-1,3-4"}, WHOLE),
        ({"Range": "bytes=" + ",".join(["0-0"] * 10_000)}, WHOLE),
        ({"If-Modified-Since": DATE}, ABSENT),
        ({"If-Modified-Since": AFTER}, ABSENT),
        ({"If-Modified-Since": BEFORE}, WHOLE),
        ({"If-Modified-Since": "junk"}, WHOLE),
        ({"If-Unmodified-Since": DATE}, WHOLE),
        ({"If-Unmodified-Since": BEFORE}, FAILED),
        ({"If-None-Match": TAG}, ABSENT),
        ({"If-None-Match": "W/" + TAG}, ABSENT),
        ({"If-None-Match": f'"x", {TAG}'}, ABSENT),
        ({"If-None-Match": "*"}, ABSENT),
        ({"If-None-Match": '"x"'}, WHOLE),
        ({"If-None-Match": '"x"', "If-Modified-Since": DATE}, WHOLE),
        ({"If-Match": TAG}, WHOLE),
        ({"If-Match": f'"x", {TAG}'}, WHOLE),
        ({"If-Match": "*"}, WHOLE),
        ({"If-Match": '"x"'}, FAILED),
        ({"If-Match": "W/" + TAG}, FAILED),
        ({"If-Match": TAG, "If-Unmodified-Since": BEFORE}, WHOLE),
        ({"If-Match": TAG, "If-None-Match": TAG}, ABSENT),
        ({"If-None-Match": TAG, "Range": "bytes=0-3"}, ABSENT),
        ({"If-Range": TAG, "Range": "bytes=0-3"}, (206, 0, 4)),
        ({"If-Range": "W/" + TAG, "Range": "bytes=0-3"}, WHOLE),
        ({"If-Range": '"x"', "Range": "bytes=0-3"}, WHOLE),
        ({"If-Range": DATE, "Range": "bytes=0-3"}, (206, 0, 4)),
        ({"If-Range": BEFORE, "Range": "bytes=0-3"}, WHOLE),
        ({"If-Range": AFTER, "Range": "bytes=0-3"}, WHOLE),
        ({"If-Range": "junk", "Range": "bytes=0-3"}, WHOLE),
    ],
)
def test_conditions_and_ranges(headers: dict[str, str], expected: tuple[int, int, int]) -> None:
    plan = plan_answer("a.txt", make_stat(), "GET", headers)
    assert (plan.status, plan.offset, plan.count) == expected
    names = dict(plan.headers)
    if plan.status == 206:
        assert names["Content-Range"] == f"bytes {plan.offset}-{plan.offset + plan.count - 1}/50"
    elif plan.status == 416:
        assert names == {"Content-Range": "bytes */50"}
    elif plan.status == 304:
        assert names == {"ETag": TAG, "Last-Modified": DATE}
    elif plan.status == 200:
        assert names == {
            "Content-Type": "text/plain",
            "ETag": TAG,
            "Last-Modified": DATE,
            "Accept-Ranges": "bytes",
        }


def test_conditions_of_other_methods() -> None:
    assert plan_answer("a", make_stat(), "HEAD", {"If-None-Match": TAG}).status == 304
    assert plan_answer("a", make_stat(), "POST", {"If-None-Match": TAG}).status == 412
    assert plan_answer("a", make_stat(), "POST", {"If-Modified-Since": AFTER}).status == 200
    assert plan_answer("a", make_stat(), "HEAD", {"Range": "bytes=0-3"}).status == 200


def test_another_status_is_left_alone() -> None:
    headers = {"If-None-Match": TAG, "Range": "bytes=0-3"}
    plan = plan_answer("a", make_stat(), "GET", headers, status=404)
    assert (plan.status, plan.count) == (404, SIZE)


def test_a_coded_file_has_no_ranges_and_a_weak_tag() -> None:
    plan = plan_answer("a", make_stat(), "GET", {"Range": "bytes=0-3"}, is_coded=True)
    assert (plan.status, plan.count) == (200, SIZE)
    assert dict(plan.headers)["ETag"] == "W/" + TAG
    assert "Accept-Ranges" not in dict(plan.headers)
    assert plan_answer("a", make_stat(), "GET", {"If-None-Match": TAG}, is_coded=True).status == 304


def test_an_empty_file_has_no_ranges() -> None:
    plan = plan_answer("a", make_stat(size=0), "GET", {"Range": "bytes=0-"})
    assert plan.status == 416
    assert plan_answer("a", make_stat(size=0), "GET", {}).count == 0


def test_a_fraction_of_a_second_is_rounded_up() -> None:
    stat = make_stat(mtime_ns=MTIME * 10**9 - 1)
    assert dict(plan_answer("a", stat, "GET", {}).headers)["Last-Modified"] == DATE
    assert plan_answer("a", stat, "GET", {"If-Modified-Since": DATE}).status == 304
    assert plan_answer("a", stat, "GET", {"If-Modified-Since": BEFORE}).status == 200


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.txt", "text/plain"),
        ("a.HTML", "text/html"),
        ("a.css", "text/css"),
        ("a.js", "text/javascript"),
        ("a.mjs", "text/javascript"),
        ("a.json", "application/json"),
        ("a.svg", "image/svg+xml"),
        ("a.woff2", "font/woff2"),
        ("a.wasm", "application/wasm"),
        ("a.webp", "image/webp"),
        ("a.tar.gz", "application/gzip"),
        ("a.txt.bz2", "application/x-bzip2"),
        ("noext", "application/octet-stream"),
        (".txt", "application/octet-stream"),
        ("a.unknown-type", "application/octet-stream"),
        ("dir.txt/noext", "application/octet-stream"),
    ],
)
def test_content_types(name: str, expected: str) -> None:
    assert guess_content_type(name) == expected
