"""What a request for a file gets, as rows: headers in, status and octets out."""

import os

import pytest

from tercel.web import fileplan
from tercel.web.fileplan import FileFacts, FilePlan, describe_file, guess_content_type
from tercel.wire.ranges import MAX_RANGES

NOW = 1_800_000_000.5
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


def make_facts(size: int = SIZE, mtime_ns: int = MTIME * 10**9, **more: object) -> FileFacts:
    return describe_file(make_stat(size, mtime_ns), "text/plain", NOW, **more)


def plan_answer(facts: FileFacts, method: str, headers: dict[str, str], **more: object) -> FilePlan:
    return fileplan.plan_answer(facts, method, headers, **{"now": NOW, "boundary": "b"} | more)


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
        ({"Range": "bytes=0-1,2-4"}, (206, 0, 5)),
        ({"Range": "bytes=2-4, 0-3"}, (206, 0, 5)),
        ({"Range": "bytes=0-1,60-70"}, (206, 0, 2)),
        ({"Range": "bytes=0-1,,"}, (206, 0, 2)),
        ({"Range": "bytes=0-1,3-x"}, OUTSIDE),
        ({"Range": "bytes=60-70,-0"}, OUTSIDE),
        ({"Range": "bytes=" + ",".join(["0-0"] * MAX_RANGES)}, (206, 0, 1)),
        ({"Range": "bytes=" + ",".join(["0-0"] * (MAX_RANGES + 1))}, WHOLE),
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
    plan = plan_answer(make_facts(), "GET", headers)
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
    assert plan_answer(make_facts(), "HEAD", {"If-None-Match": TAG}).status == 304
    assert plan_answer(make_facts(), "POST", {"If-None-Match": TAG}).status == 412
    assert plan_answer(make_facts(), "POST", {"If-Modified-Since": AFTER}).status == 200
    assert plan_answer(make_facts(), "HEAD", {"Range": "bytes=0-3"}).status == 200


def test_another_status_is_left_alone() -> None:
    headers = {"If-None-Match": TAG, "Range": "bytes=0-3"}
    plan = plan_answer(make_facts(), "GET", headers, status=404)
    assert (plan.status, plan.count) == (404, SIZE)


def test_a_coded_file_has_no_ranges_and_a_weak_tag() -> None:
    plan = plan_answer(make_facts(), "GET", {"Range": "bytes=0-3"}, is_coded=True)
    assert (plan.status, plan.count) == (200, SIZE)
    assert dict(plan.headers)["ETag"] == "W/" + TAG
    assert "Accept-Ranges" not in dict(plan.headers)
    assert plan_answer(make_facts(), "GET", {"If-None-Match": TAG}, is_coded=True).status == 304


def test_an_empty_file_has_no_ranges() -> None:
    plan = plan_answer(make_facts(size=0), "GET", {"Range": "bytes=0-"})
    assert plan.status == 416
    assert plan_answer(make_facts(size=0), "GET", {}).count == 0


def test_a_fraction_of_a_second_is_cut_off() -> None:
    facts = make_facts(mtime_ns=MTIME * 10**9 + 999_999_999)
    assert dict(plan_answer(facts, "GET", {}).headers)["Last-Modified"] == DATE
    assert plan_answer(facts, "GET", {"If-Modified-Since": DATE}).status == 304
    assert plan_answer(facts, "GET", {"If-Modified-Since": BEFORE}).status == 200
    assert plan_answer(facts, "GET", {"If-Unmodified-Since": DATE}).status == 200


def test_a_time_in_the_future_is_not_told() -> None:
    facts = make_facts(mtime_ns=int(NOW + 10) * 10**9)
    plan = plan_answer(facts, "GET", {"If-Modified-Since": "Tue, 14 Nov 2034 22:13:20 GMT"})
    assert plan.status == 200
    assert "Last-Modified" not in dict(plan.headers)
    headers = {"If-Unmodified-Since": BEFORE, "If-Range": BEFORE, "Range": "bytes=0-0"}
    assert plan_answer(facts, "GET", headers).status == 200


@pytest.mark.parametrize(("later", "status"), [(0.5, 200), (1.0, 200), (1.5, 206)])
def test_a_date_proves_nothing_within_its_second(later: float, status: int) -> None:
    headers = {"If-Range": DATE, "Range": "bytes=0-0"}
    assert plan_answer(make_facts(), "GET", headers, now=MTIME + later).status == status


def test_several_ranges() -> None:
    headers = {"Range": "bytes=0-1, 10-19, -1, 100-"}
    plan = plan_answer(make_facts(), "GET", headers, boundary="xyz")
    assert plan.status == 206
    names = dict(plan.headers)
    assert names["Content-Type"] == "multipart/byteranges; boundary=xyz"
    assert names["ETag"] == TAG
    assert "Content-Range" not in names
    assert [(part.offset, part.count) for part in plan.parts] == [(0, 2), (10, 10), (49, 1)]
    assert plan.parts[0].preface == (
        b"--xyz\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/50\r\n\r\n"
    )
    assert plan.parts[1].preface.startswith(b"\r\n--xyz\r\n")
    assert plan.tail == b"\r\n--xyz--\r\n"
    octets = sum(len(part.preface) + part.count for part in plan.parts) + len(plan.tail)
    assert plan.count == octets


def test_a_sibling_has_a_tag_of_its_own() -> None:
    facts = make_facts(coding="gzip", varies=True)
    assert facts.tag != make_facts().tag
    plan = plan_answer(facts, "GET", {})
    names = dict(plan.headers)
    assert (names["Content-Encoding"], names["Vary"]) == ("gzip", "Accept-Encoding")
    plan = plan_answer(facts, "GET", {"If-None-Match": names["ETag"]})
    assert plan.status == 304
    assert dict(plan.headers).keys() == {"ETag", "Last-Modified", "Vary"}
    headers = {"Range": "bytes=0-0", "If-Range": names["ETag"]}
    assert plan_answer(facts, "GET", headers).status == 206
    assert plan_answer(facts, "GET", {**headers, "If-Range": TAG}).status == 200


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
