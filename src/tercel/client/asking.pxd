cimport cython

from tercel.client.exchange cimport Asker, Exchange
from tercel.client.shortcut cimport (
    Ground, Own, Way, answer_of, begin, failure_of, find_plan, find_way, is_final, whole_plan,
)
from tercel.net.waking cimport wake

cdef tuple _STALE
cdef object _Jar
cdef object _LEFT
cdef object _Response


cdef bint _has_cookies(jar) except? 0
cpdef ask(session, method, url, dict kwargs)


cdef class PendingRequest(Asker):
    cdef double _begun
    cdef Exchange _exchange
    cdef Ground _ground
    cdef bint _is_asked
    cdef bint _is_entered
    cdef dict _kwargs
    cdef object _method
    cdef object _on_done
    cdef Own _own
    cdef object _response
    cdef object _session
    cdef object _slow
    cdef object _steps
    cdef object _task
    cdef object _url
    cdef object _waiter
    cdef Way _way

    @cython.locals(ground=Ground, is_short=bint, exchange=Exchange, own=Own, way=Way)
    cdef _ask(self)

    cdef _wait(self, Exchange exchange)

    cdef _give_up(self)

    @cython.locals(exchange=Exchange, way=Way)
    cpdef tell_head(self)
    cdef _hand_out(self, response, waiter)
    @cython.locals(way=Way)
    cpdef tell_failure(self, error)
    @cython.locals(way=Way)
    cdef _go_on(self, first)
