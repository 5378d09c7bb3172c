cimport cython

from tercel.wire.h1.connection cimport Connection, EndOfMessage
from tercel.wire.h1.head cimport Head

cdef object _READY
cdef Py_ssize_t _LATE_LIMIT
cdef Py_ssize_t _GATHER_LIMIT
cdef Py_ssize_t _UNCOPIED
cdef Py_ssize_t _BLOCK
cdef bint _keeps_blocks

cpdef bint gathers(transport) except -1

cdef _keep_blocks(transport)


cdef class Ready:
    pass


cdef class WireProtocol:
    cdef double _deadline
    cdef list _drain_waiters
    cdef bint _is_turn_awaited
    cdef list _late
    cdef Py_ssize_t _late_size
    cdef bint _pauses
    cdef object _timer
    cdef double _timer_due
    cdef Connection _wire
    cdef public bint is_closed
    cdef public object loop
    cdef public bint must_drain
    cdef public object transport

    cpdef on_head(self, Head head)
    cpdef on_piece(self, bytes piece)
    cpdef on_end(self, EndOfMessage end)
    cpdef on_error(self, error)
    cpdef bint on_eof(self) except? 1
    cpdef on_lost(self, error)
    cpdef on_deadline(self)

    cpdef connection_made(self, transport)
    cpdef data_received(self, data)
    cpdef eof_received(self)
    cpdef connection_lost(self, error)
    cpdef pause_writing(self)
    cpdef resume_writing(self)

    cpdef pump(self)
    cpdef pause_reading(self)
    cpdef resume_reading(self)
    @cython.locals(late=list)
    cpdef write_late(self, bytes octets)
    @cython.locals(late=list, size=Py_ssize_t)
    cpdef write_gathered(self, tuple parts, bint may_wait)
    @cython.locals(late=list)
    cpdef let_go(self)
    cpdef Py_ssize_t count_unsent(self) except -1
    @cython.locals(late=list)
    cpdef bytes take_late(self, bytes last)
    cpdef _on_turn(self)
    cpdef drain(self)
    cdef _wake_drainers(self, error)
    cpdef set_deadline(self, double seconds)
    cpdef clear_deadline(self)
    cpdef stop_timer(self)
    cpdef _on_timer(self)
    cpdef close(self)
    cpdef abort(self)
