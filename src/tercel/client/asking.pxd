cimport cython

from tercel.client.exchange cimport Asker, Exchange
from tercel.client.shortcut cimport Own, answer_of, begin, failure_of, find_plan, is_final, whole_plan
from tercel.net.waking cimport wake

cdef tuple _STALE
cdef object _LEFT
cdef object _Response


cpdef ask(session, method, url, dict kwargs)


cdef class PendingRequest(Asker):
    cdef double _begun
    cdef Exchange _exchange
    cdef bint _is_asked
    cdef bint _is_entered
    cdef dict _kwargs
    cdef object _method
    cdef object _on_done
    cdef Own _own
    cdef object _plan
    cdef object _response
    cdef object _session
    cdef object _slow
    cdef object _steps
    cdef object _task
    cdef object _url
    cdef object _waiter

    @cython.locals(is_short=bint, exchange=Exchange)
    cdef _ask(self)

    cdef _wait(self, Exchange exchange, loop)

    cdef _give_up(self)

    cpdef tell_head(self)
    cdef _hand_out(self, response, waiter)
    cpdef tell_failure(self, error)
    cdef _go_on(self, first)
