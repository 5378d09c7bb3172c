"""web_quickstart.rst "Exceptions" and web_reference.rst "HTTP Exceptions": the whole tree."""

import pytest

from tests.documented.subject import improvement, load

TREE = {
    "HTTPSuccessful": [
        (200, "HTTPOk", "OK"),
        (201, "HTTPCreated", "Created"),
        (202, "HTTPAccepted", "Accepted"),
        (203, "HTTPNonAuthoritativeInformation", "Non-Authoritative Information"),
        (204, "HTTPNoContent", "No Content"),
        (205, "HTTPResetContent", "Reset Content"),
        (206, "HTTPPartialContent", "Partial Content"),
    ],
    "HTTPRedirection": [
        (300, "HTTPMultipleChoices", "Multiple Choices"),
        (301, "HTTPMovedPermanently", "Moved Permanently"),
        (302, "HTTPFound", "Found"),
        (303, "HTTPSeeOther", "See Other"),
        (304, "HTTPNotModified", "Not Modified"),
        (305, "HTTPUseProxy", "Use Proxy"),
        (307, "HTTPTemporaryRedirect", "Temporary Redirect"),
        (308, "HTTPPermanentRedirect", "Permanent Redirect"),
    ],
    "HTTPClientError": [
        (400, "HTTPBadRequest", "Bad Request"),
        (401, "HTTPUnauthorized", "Unauthorized"),
        (402, "HTTPPaymentRequired", "Payment Required"),
        (403, "HTTPForbidden", "Forbidden"),
        (404, "HTTPNotFound", "Not Found"),
        (405, "HTTPMethodNotAllowed", "Method Not Allowed"),
        (406, "HTTPNotAcceptable", "Not Acceptable"),
        (407, "HTTPProxyAuthenticationRequired", "Proxy Authentication Required"),
        (408, "HTTPRequestTimeout", "Request Timeout"),
        (409, "HTTPConflict", "Conflict"),
        (410, "HTTPGone", "Gone"),
        (411, "HTTPLengthRequired", "Length Required"),
        (412, "HTTPPreconditionFailed", "Precondition Failed"),
        (413, "HTTPRequestEntityTooLarge", "Request Entity Too Large"),
        (414, "HTTPRequestURITooLong", "Request-URI Too Long"),
        (415, "HTTPUnsupportedMediaType", "Unsupported Media Type"),
        (416, "HTTPRequestRangeNotSatisfiable", "Requested Range Not Satisfiable"),
        (417, "HTTPExpectationFailed", "Expectation Failed"),
        (421, "HTTPMisdirectedRequest", "Misdirected Request"),
        (422, "HTTPUnprocessableEntity", "Unprocessable Entity"),
        (424, "HTTPFailedDependency", "Failed Dependency"),
        (426, "HTTPUpgradeRequired", "Upgrade Required"),
        (428, "HTTPPreconditionRequired", "Precondition Required"),
        (429, "HTTPTooManyRequests", "Too Many Requests"),
        (431, "HTTPRequestHeaderFieldsTooLarge", "Request Header Fields Too Large"),
        (451, "HTTPUnavailableForLegalReasons", "Unavailable For Legal Reasons"),
    ],
    "HTTPServerError": [
        (500, "HTTPInternalServerError", "Internal Server Error"),
        (501, "HTTPNotImplemented", "Not Implemented"),
        (502, "HTTPBadGateway", "Bad Gateway"),
        (503, "HTTPServiceUnavailable", "Service Unavailable"),
        (504, "HTTPGatewayTimeout", "Gateway Timeout"),
        (505, "HTTPVersionNotSupported", "HTTP Version Not Supported"),
        (506, "HTTPVariantAlsoNegotiates", "Variant Also Negotiates"),
        (507, "HTTPInsufficientStorage", "Insufficient Storage"),
        (510, "HTTPNotExtended", "Not Extended"),
        (511, "HTTPNetworkAuthenticationRequired", "Network Authentication Required"),
    ],
}
ROWS = [
    pytest.param(base, status, name, reason, id=name)
    for base, rows in TREE.items()
    for status, name, reason in rows
]
MOVES = [
    "HTTPMultipleChoices",
    "HTTPMovedPermanently",
    "HTTPFound",
    "HTTPSeeOther",
    "HTTPUseProxy",
    "HTTPTemporaryRedirect",
    "HTTPPermanentRedirect",
]
WITHOUT_BODY = {"HTTPNoContent", "HTTPResetContent", "HTTPNotModified"}


def arguments(name):
    """The positional arguments that the class of `name` asks for."""
    if name in MOVES:
        return ("/there",)
    if name == "HTTPMethodNotAllowed":
        return ("PUT", ["GET", "POST"])
    if name == "HTTPRequestEntityTooLarge":
        return (10, 11)
    if name == "HTTPUnavailableForLegalReasons":
        return ("http://censor.example",)
    return ()


@pytest.mark.parametrize(("base", "status", "name", "reason"), ROWS)
def test_class_and_status(web, base, status, name, reason):
    kind = getattr(web, name)
    assert issubclass(kind, getattr(web, base))
    assert issubclass(kind, web.HTTPException)
    assert issubclass(kind, web.Response)
    assert issubclass(kind, Exception)
    assert kind.status_code == status
    if base in ("HTTPClientError", "HTTPServerError"):
        assert issubclass(kind, web.HTTPError)
    else:
        assert not issubclass(kind, web.HTTPError)


@pytest.mark.parametrize(("base", "status", "name", "reason"), ROWS)
def test_instance(web, base, status, name, reason):
    error = getattr(web, name)(*arguments(name))
    assert error.status == status
    assert str(error) == error.reason
    if status not in (413, 414, 416, 422):  # the names of these have changed since
        assert error.reason == reason
    if name in WITHOUT_BODY:
        assert error.empty_body
        assert error.text is None
    elif name == "HTTPRequestEntityTooLarge":
        assert error.text == "Maximum request body size 10 exceeded."
    else:
        assert not error.empty_body
        assert error.text == f"{status}: {error.reason}"
        assert error.content_type == "text/plain"


@pytest.mark.parametrize(("base", "status", "name", "reason"), ROWS)
async def test_raised_in_a_handler(serve, web, base, status, name, reason):
    async def handler(request):
        raise getattr(web, name)(*arguments(name), headers={"X-Custom": "yes"})

    server = await serve(handler)
    connection = await server.connect()
    answer = await connection.request("GET", "/")
    assert answer.status == status
    assert answer["X-Custom"] == "yes"
    if name in WITHOUT_BODY:
        assert answer.body == b""
    else:
        assert answer.body
    assert (await connection.request("GET", "/")).status == status  # the connection goes on


@pytest.mark.parametrize("name", MOVES)
async def test_moves_have_a_location(serve, web, name):
    async def handler(request):
        raise getattr(web, name)("/a b?q=\u0444#x", headers={"X-A": "1"}, text="moved")

    assert issubclass(getattr(web, name), web.HTTPMove)
    answer = await (await serve(handler)).get("/")
    assert answer["Location"] == "/a%20b?q=%D1%84#x"
    assert answer["X-A"] == "1"
    assert answer.text == "moved"


@pytest.mark.parametrize("name", MOVES)
def test_moves_keep_the_location(web, name):
    from yarl import URL

    kind = getattr(web, name)
    assert str(kind("/x").location) == "/x"
    assert kind(URL("http://h/x")).headers["Location"] == "http://h/x"
    assert not issubclass(web.HTTPNotModified, web.HTTPMove)
    with pytest.raises(TypeError):
        kind()
    with pytest.raises(ValueError, match="location"):
        kind("")


def test_method_not_allowed(web):
    error = web.HTTPMethodNotAllowed("put", ["POST", "GET", "PATCH"])
    assert error.method == "PUT"
    assert set(error.allowed_methods) == {"GET", "PATCH", "POST"}
    assert error.headers["Allow"] == "GET,PATCH,POST"
    assert error.status == 405


def test_method_not_allowed_takes_the_rest_by_name(web):
    error = web.HTTPMethodNotAllowed(
        "PUT", ["GET"], headers={"X": "1"}, reason="No", text="t", content_type="text/x"
    )
    assert (error.reason, error.text, error.content_type) == ("No", "t", "text/x")
    assert error.headers["X"] == "1"
    assert error.headers["Allow"] == "GET"


def test_entity_too_large(web):
    error = web.HTTPRequestEntityTooLarge(max_size=10, actual_size=12)
    assert error.status == 413
    assert error.text == "Maximum request body size 10 exceeded."
    assert web.HTTPRequestEntityTooLarge(1, 2, text="big").text == "big"


def test_unavailable_for_legal_reasons(web):
    error = web.HTTPUnavailableForLegalReasons("http://censor.example/", text="no")
    assert str(error.link) == "http://censor.example/"
    assert error.headers["Link"] == '<http://censor.example/>; rel="blocked-by"'
    assert error.text == "no"


def test_unavailable_for_legal_reasons_without_a_link(web):
    error = web.HTTPUnavailableForLegalReasons(None)
    assert error.link is None
    assert "Link" not in error.headers


def test_parameters(web):
    error = web.HTTPNotFound(
        headers={"X-A": "b"}, reason="Gone fishing", text="sorry", content_type="text/html"
    )
    assert error.headers["X-A"] == "b"
    assert error.reason == "Gone fishing"
    assert error.text == "sorry"
    assert error.content_type == "text/html"


def test_body_is_deprecated_and_still_taken(web):
    with pytest.warns(DeprecationWarning, match="body"):
        error = web.HTTPNotFound(body=b"raw")
    assert error.body == b"raw"


def test_empty_text_stays_empty(web):
    assert web.HTTPNotFound(text="").body == b""
    assert web.HTTPNotFound(text="").text == ""


def test_only_names_are_taken(web):
    with pytest.raises(TypeError):
        web.HTTPNotFound("text")


def test_own_subclass(web):
    class Teapot(web.HTTPClientError):
        status_code = 418

    error = Teapot()
    assert error.status == 418
    assert error.text == "418: I'm a Teapot"


def test_own_subclass_with_an_unknown_code(web):
    class Odd(web.HTTPException):
        status_code = 299

    assert Odd(reason="Odd").reason == "Odd"
    assert Odd().reason == ""


async def test_attributes_are_used(serve, web):
    async def handler(request):
        error = web.HTTPForbidden(text="no", reason="Because")
        error.set_cookie("a", "b")
        error.headers["X-Late"] = "1"
        raise error

    answer = await (await serve(handler)).get("/")
    assert (answer.status, answer.reason, answer.text) == (403, "Because", "no")
    assert answer.cookie("a") == "a=b; Path=/"
    assert answer["X-Late"] == "1"


async def test_a_middleware_sees_them(serve, web):
    @web.middleware
    async def middleware(request, handler):
        with pytest.raises(web.HTTPNotFound) as caught:
            await handler(request)
        return web.Response(text=caught.value.reason)

    assert (await (await serve(web.Application(middlewares=[middleware]))).get("/")).text == (
        "Not Found"
    )


async def test_cause_is_kept(web):
    with pytest.raises(web.HTTPBadRequest) as caught:
        try:
            int("x")
        except ValueError as error:
            raise web.HTTPBadRequest from error
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize("bad", ["a\r\nX: y", "a\nb", "a\rb"])
def test_reason_cannot_hold_line_breaks(web, bad):
    with pytest.raises(ValueError):
        web.HTTPNotFound(reason=bad)


def test_the_module_of_old(aiohttp, web):
    assert load("web_exceptions").HTTPNotFound is web.HTTPNotFound


@pytest.mark.loop_errors
async def test_sequential_exceptions_do_not_share_state(serve, web):
    async def handler(request):
        error = web.HTTPNotFound()
        error.headers["X-Path"] = request.path
        raise error

    connection = await (await serve(handler)).connect()
    first = await connection.request("GET", "/1")
    second = await connection.request("GET", "/2")
    assert (first["X-Path"], second["X-Path"]) == ("/1", "/2")


@improvement("one exception object may be raised for many requests")
async def test_one_exception_raised_twice(serve, web):
    error = web.HTTPNotFound(text="shared")

    async def handler(request):
        raise error

    connection = await (await serve(handler)).connect()
    assert (await connection.request("GET", "/")).text == "shared"
    assert (await connection.request("GET", "/")).text == "shared"
