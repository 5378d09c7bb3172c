"""One request served: the coroutine that is a handler's task, and what answers its mistakes.

In: a connection and a request. Out: one answer on the request's exchange, and a line in the access
log where there is one. Handler errors become a page and a log record; `HTTPException` is an answer
like any other. Lets no exception out but those that end the task or the program.
"""

import asyncio
import html
import traceback
import warnings
from http import HTTPStatus
from typing import Any

from tercel.web.badpayload import RequestPayloadError
from tercel.web.errors import HTTPException
from tercel.web.response import Response
from tercel.web.stream import StreamResponse
from tercel.web.uploads import close_files
from tercel.wire.errors import WireError

__all__ = ("error_response", "serve_outcome", "serve_request")


async def serve_request(server: Any, connection: Any, request: Any, pending: Any = None) -> None:
    """Run the server's handler for `request` and send what it returns or raises.

    `pending` goes on where the handler was begun, and gives what that gives.
    """
    exchange = request._exchange
    try:
        response: Any = None
        error: BaseException | None = None
        try:
            if pending is None:
                response = await server.handler(request)
            else:
                response = await pending
        except Exception as raised:
            error = raised
        await _settle(server, connection, request, response, error)
    except asyncio.CancelledError:
        connection.abort()
        raise
    finally:
        connection.finish_exchange(exchange)
        if request._form is not None:
            close_files(request._form)


async def serve_outcome(
    server: Any,
    connection: Any,
    request: Any,
    response: Any,
    error: BaseException | None,
    failure: Exception | None,
) -> None:
    """Send what a handler returned or raised at once; `failure` is what sending it has raised."""
    exchange = request._exchange
    try:
        if failure is not None:
            await _send_failed(server, connection, request, failure)
        elif isinstance(error, asyncio.CancelledError):
            connection.abort()
        else:
            await _settle(server, connection, request, response, error)
    except asyncio.CancelledError:
        connection.abort()
        raise
    finally:
        connection.finish_exchange(exchange)
        if request._form is not None:
            close_files(request._form)


async def _settle(
    server: Any,
    connection: Any,
    request: Any,
    response: Any,
    error: BaseException | None,
) -> None:
    """Make an answer of a handler's outcome, send it and log it."""
    if error is not None:
        response = _answer_raised(server, connection, request, error)
    elif type(response) is not Response:
        if not isinstance(response, StreamResponse):
            response = _answer_wrong_type(server, request, response)
        elif isinstance(response, HTTPException):
            warnings.warn(
                f"returning {type(response).__name__} from a handler is deprecated: raise it",
                DeprecationWarning,
                stacklevel=2,
            )
    exchange = request._exchange
    if error is not None and exchange.has_begun and exchange.status != 101:
        _break_off(connection, exchange)
        if server.logs_access:
            await server.log_access(request, response, connection)
        return
    try:
        if not connection.answer(request, response):
            await _send(connection, request, response)
        if exchange.must_drain and not exchange.closed:
            await exchange.drain()
    except ConnectionError:
        connection.abort()
    except Exception as failure:
        await _send_failed(server, connection, request, failure)
    if server.logs_access:
        await server.log_access(request, response, connection)


def _answer_raised(server: Any, connection: Any, request: Any, error: BaseException) -> Any:
    """The answer for what a handler raised."""
    if isinstance(error, HTTPException):
        return error
    if isinstance(error, RequestPayloadError | WireError):
        return _answer_bad_body(server, connection, request, error)
    return _answer_error(server, request, error)


async def _send(connection: Any, request: Any, response: Any) -> None:
    """The long way of an answer: prepare it, unless the handler did, and end it."""
    exchange = request._exchange
    if exchange.status == 101:
        await _leave(connection, exchange, response)
        return
    await response.prepare(request)
    await response.write_eof()


async def _leave(connection: Any, exchange: Any, response: Any) -> None:
    """The handler of a connection that has left HTTP is over: say goodbye in the new language."""
    if getattr(response, "_exchange", None) is exchange:
        await response.write_eof()
    elif connection.receiver is not None:
        connection.receiver.fail()


async def _send_failed(server: Any, connection: Any, request: Any, error: Exception) -> None:
    """An answer that could not be sent: another one if nothing left yet, else the cut."""
    exchange = request._exchange
    response = _answer_error(server, request, error)
    if exchange.has_begun or exchange.closed:
        _break_off(connection, exchange)
        return
    try:
        await response.prepare(request)
        await response.write_eof()
    except ConnectionError:
        connection.abort()
    except Exception as again:
        # A signal or a class of the application's that fails for every answer, this one too.
        server.log_exception(request, again)
        connection.abort()


def _break_off(connection: Any, exchange: Any) -> None:
    """An answer has begun, so there can be no other: end it with the connection."""
    if exchange.finished:
        exchange.keep_alive = False
    else:
        connection.abort()


def _answer_error(server: Any, request: Any, error: BaseException) -> Response:
    """Log what a handler raised and make a 500 of it; 504 for its own time-out."""
    exchange = request._exchange
    if isinstance(error, ConnectionError) and _has_left(exchange):
        server.log_debug("The peer left before its answer: %s", error)
    elif isinstance(error, TimeoutError):
        server.logger.debug("Request handler timed out.", exc_info=error)
        return error_response(server, request, 504, error)
    else:
        server.log_exception(request, error)
    return error_response(server, request, 500, error)


def _has_left(exchange: Any) -> bool:
    """True if the peer is gone, or the transport is about to tell so."""
    return bool(exchange.closed or exchange.transport is None or exchange.transport.is_closing())


def _answer_bad_body(
    server: Any, connection: Any, request: Any, error: RequestPayloadError | WireError
) -> Response:
    """The body that the handler was reading broke off or broke the rules."""
    server.log_refusal(connection, error.status, error.message)
    request._exchange.keep_alive = False
    return error_response(server, request, error.status, error)


def _answer_wrong_type(server: Any, request: Any, response: object) -> Response:
    if response is None:
        error = RuntimeError("Missing return statement on request handler")
    else:
        error = RuntimeError(f"Web-handler should return a response instance, got {response!r}")
    server.log_exception(request, error)
    return error_response(server, request, 500, error)


def error_response(
    server: Any, request: Any, status: int, error: BaseException | None = None
) -> Response:
    """A page that says what went wrong, in HTML or plain text as the client prefers.

    Details are shown only where the server's `debug` is True.
    """
    try:
        reason = HTTPStatus(status).phrase
    except ValueError:
        reason = "Error"
    wants_html = "text/html" in request.headers.get("Accept", "")
    if isinstance(error, RequestPayloadError | WireError):
        message, detail = error.message, ""
    elif status == 500:
        message = HTTPStatus.INTERNAL_SERVER_ERROR.description
        detail = "".join(traceback.format_exception(error)) if server.debug and error else ""
    else:
        message, detail = "", ""
    if wants_html:
        text = _html_page(status, reason, message, detail)
        content_type = "text/html"
    else:
        text = f"{status} {reason}\n\n{message}"
        if detail:
            text += f"\n\n{detail}"
        content_type = "text/plain"
    response = Response(status=status, text=text, content_type=content_type)
    response.force_close()
    return response


def _html_page(status: int, reason: str, message: str, detail: str) -> str:
    title = f"{status} {html.escape(reason)}"
    parts = [
        "<!doctype html>\n<html lang=en><head><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width'>",
        f"<title>{title}</title>",
    ]
    if detail:
        parts.append(
            "<style>body{font:16px/1.5 sans-serif;max-width:64em;margin:2em auto;padding:0 1em}"
            "pre{background:#f5f2ea;padding:1em;overflow-x:auto;border-left:4px solid #b4552d}"
            "</style>"
        )
    parts.append(f"</head><body>\n<h1>{title}</h1>\n<p>{html.escape(message)}</p>\n")
    if detail:
        last = detail.rstrip().rsplit("\n", 1)[-1]
        parts.append(f"<h2>{html.escape(last)}</h2>\n<pre>{html.escape(detail)}</pre>\n")
    parts.append("</body></html>\n")
    return "".join(parts)
