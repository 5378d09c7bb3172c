"""logging.rst: the access log's format language, own access loggers, and the log of errors."""

import asyncio
import logging
import os
import re

import pytest

from tests.documented.subject import improvement, load


@pytest.fixture
def log_of(serve, web, caplog):
    """Make one request with an access log of the given format; give the messages."""

    async def ask(form=None, target="/", headers=(), method="GET", body=None, **options):
        async def handler(request):
            return web.Response(text="12345", headers={"X-Out": "out"})

        logger = logging.getLogger("tests.documented.access")
        caplog.set_level(logging.INFO, logger=logger.name)
        if form is not None:
            options["access_log_format"] = form
        server = await serve(handler, access_log=logger, **options)
        await server.request(method, target, headers, body)
        for _ in range(50):  # the line is written after the answer
            if any(record.name == logger.name for record in caplog.records):
                break
            await asyncio.sleep(0.01)
        return [record for record in caplog.records if record.name == logger.name]

    return ask


@pytest.mark.parametrize(
    ("form", "wanted"),
    [
        ("plain", r"plain"),
        ("%a", r"127\.0\.0\.1"),
        ("%r", r"GET /a\?b=c HTTP/1\.1"),
        ("%s", "200"),
        ("%b", r"\d+"),
        ("%T", "0"),
        ("%Tf", r"\d+\.\d{6}"),
        ("%D", r"\d+"),
        ("%{X-In}i", "in"),
        ("%{x-in}i", "in"),
        ("%{X-Out}o", "out"),
        ("%{None}i", "-"),
        ("%{None}o", "-"),
        ("%t", r"\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]"),
        ('%s "%r" 50', r'200 "GET /a\?b=c HTTP/1\.1" 50'),
        ("%a%s", r"127\.0\.0\.1200"),
    ],
)
async def test_format(log_of, form, wanted):
    (record,) = await log_of(form, "/a?b=c", {"X-In": "in"})
    assert re.fullmatch(wanted, record.getMessage()), record.getMessage()
    assert record.levelno == logging.INFO


@improvement("a percent sign is a percent sign")
@pytest.mark.parametrize(("form", "wanted"), [("%%", "%"), ("%s%%%s", "200%200"), ("%%s", "%s")])
async def test_percent_sign(log_of, form, wanted):
    (record,) = await log_of(form)
    assert record.getMessage() == wanted


async def test_process_id(log_of):
    (record,) = await log_of("%P")
    assert record.getMessage().strip("<>") == str(os.getpid())


async def test_default_format(log_of):
    (record,) = await log_of(None, "/", {"User-Agent": "me", "Referer": "there"})
    assert re.fullmatch(
        r'127\.0\.0\.1 \[.+\] "GET / HTTP/1\.1" 200 \d+ "there" "me"', record.getMessage()
    ), record.getMessage()


async def test_size_counts_the_head(log_of):
    (record,) = await log_of("%b")
    assert int(record.getMessage()) > 100


async def test_extra_fields_of_the_record(log_of):
    (record,) = await log_of("%a %s %{X-In}i", "/", {"X-In": "in"})
    assert record.remote_address == "127.0.0.1"
    assert record.response_status == 200
    assert record.request_header == {"X-In": "in"}


@improvement("a directive that does not exist is told at start")
async def test_unknown_directive(log_of, serve, web):
    async def handler(request):
        return web.Response()

    with pytest.raises((ValueError, KeyError)):
        await serve(handler, access_log=logging.getLogger("x"), access_log_format="%Q")


async def test_own_class(serve, web, caplog):
    calls = []

    class AccessLogger(load("abc").AbstractAccessLogger):
        def log(self, request, response, time):
            calls.append((self.log_format, request.path, response.status, time))
            self.logger.info(f"{request.remote} {request.method} {request.path} {response.status}")

    async def handler(request):
        return web.Response()

    logger = logging.getLogger("tests.documented.own")
    caplog.set_level(logging.INFO, logger=logger.name)
    server = await serve(
        handler, access_log=logger, access_log_class=AccessLogger, access_log_format="mine"
    )
    connection = await server.connect()
    await connection.request("GET", "/a")
    await connection.request("GET", "/b")
    await connection.close()
    await server.runner.cleanup()
    assert [call[:3] for call in calls] == [("mine", "/a", 200), ("mine", "/b", 200)]
    assert all(isinstance(call[3], float) and call[3] >= 0 for call in calls)
    assert "127.0.0.1 GET /a 200" in caplog.text


@pytest.mark.parametrize("other", [object, logging.Logger])
async def test_own_class_must_be_an_access_logger(serve, web, other):
    with pytest.raises(TypeError, match="AbstractAccessLogger"):
        await serve(web.Application(), access_log_class=other)


async def test_own_class_that_is_not_enabled(serve, web):
    class AccessLogger(load("abc").AbstractAccessLogger):
        def log(self, request, response, time):
            raise AssertionError("it must not be called")

        @property
        def enabled(self):
            return False

    async def handler(request):
        return web.Response(text="ok")

    server = await serve(handler, access_log=logging.getLogger("x"), access_log_class=AccessLogger)
    assert (await server.get("/")).text == "ok"


def test_access_logger_is_abstract():
    kind = load("abc").AbstractAccessLogger
    with pytest.raises(TypeError):
        kind(logging.getLogger(), "")


async def test_default_loggers(serve, web, caplog, logger_root):
    async def handler(request):
        if request.path == "/bad":
            raise ValueError("broken")
        return web.Response()

    app = web.Application()
    app.router.add_get("/{x}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    from tests.documented.neutral import Server

    server = Server(runner, site, "127.0.0.1", site.port)
    caplog.set_level(logging.INFO)
    await server.get("/good")
    await server.get("/bad")
    await server.close()
    names = {record.name for record in caplog.records}
    assert f"{logger_root}.access" in names
    (error,) = [record for record in caplog.records if record.name == f"{logger_root}.server"]
    assert error.levelno == logging.ERROR
    assert error.exc_info[0] is ValueError


async def test_own_error_log(serve, web, caplog):
    async def handler(request):
        raise ValueError("broken")

    server = await serve(handler, logger=logging.getLogger("tests.documented.errors"))
    assert (await server.get("/")).status == 500
    (record,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert record.name == "tests.documented.errors"
    assert record.exc_info[0] is ValueError


@pytest.mark.parametrize("name", ["HTTPNotFound", "HTTPInternalServerError", "HTTPOk"])
async def test_http_exceptions_are_not_errors(serve, web, caplog, name):
    async def handler(request):
        raise getattr(web, name)()

    await (await serve(handler)).get("/")
    assert not [each for each in caplog.records if each.levelno >= logging.ERROR]


async def test_404_is_logged_as_access(serve, web, caplog):
    logger = logging.getLogger("tests.documented.missing")
    caplog.set_level(logging.INFO, logger=logger.name)
    server = await serve(web.Application(), access_log=logger, access_log_format="%s %r")
    await server.get("/none")
    await server.close()
    assert [record.getMessage() for record in caplog.records] == ["404 GET /none HTTP/1.1"]


@improvement("no request can write a second line, or colours, into the log")
@pytest.mark.parametrize("value", ["a\x1b[31mb", "a\tb"])
async def test_no_control_characters(log_of, value):
    for record in await log_of('"%{User-Agent}i"', "/", {"User-Agent": value}):
        assert "\x1b" not in record.getMessage()
        assert "\n" not in record.getMessage()
