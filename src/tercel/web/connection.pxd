cimport cython

from tercel.net.progress cimport WatchedProtocol
from tercel.net.stepper cimport Stepper
from tercel.web.exchange cimport Exchange, date_and_server
from tercel.web.incoming cimport Incoming
from tercel.web.router cimport Entry
from tercel.wire.h1.encode cimport encode_common_fields
from tercel.wire.h1.connection cimport Connection, EndOfMessage
from tercel.wire.h1.head cimport Head

cdef object _start_eagerly
cdef bint _can_step
cdef object _fail_later
cdef object _Response
cdef object _StreamResponse
cdef object _EMPTY
cdef Py_ssize_t _MAX_WAITING
cdef double _REFUSAL_TIME


cdef class HttpConnection(WatchedProtocol):
    cdef bint _closing
    cdef bint _discarding
    cdef Entry _entry
    cdef object _handler
    cdef bint _handler_ended
    cdef bint _head_timed
    cdef bint _in_pump
    cdef double _keepalive
    cdef bint _logs_access
    cdef list _lost_waiters
    cdef object _max_fields
    cdef object _max_size
    cdef object _receiver
    cdef object _request_class
    cdef object _serve
    cdef object _serve_outcome
    cdef double _started_at
    cdef Stepper _stepper
    cdef object _to_start
    cdef public Exchange exchange
    cdef public object reader
    cdef readonly long long requests_count
    cdef public object server

    cdef _read_on(self)

    @cython.locals(request=Incoming)
    cdef _make_request(self, Exchange exchange)

    @cython.locals(exchange=Exchange, stepper=Stepper)
    cdef _run(self, request)

    cdef _start(self, Exchange exchange, coro)
    @cython.locals(entry=Entry)
    cdef _step(self, Stepper stepper, request, Exchange exchange)
    @cython.locals(known=bint)
    cdef _finish_step(self, request, Exchange exchange, response, error)

    @cython.locals(exchange=Exchange, parts=tuple)
    cpdef bint answer(self, Incoming request, response) except -1

    @cython.locals(status=int)
    cdef bint _answer_octets(self, response, Exchange exchange) except -1

    cpdef finish_exchange(self, Exchange exchange)
    cdef _drop_rest_of_body(self)
    cdef _next(self)
    cdef _wait_idle(self)
    cpdef refuse(self, int status, message)
    cdef _close_gently(self, double seconds)
    cpdef stop_soon(self)
    cpdef lost_waiter(self)
    cdef _cancel_lost_waiters(self)
    cpdef bytes take_over(self, receiver)
