cimport cython

from tercel.net.outgoing cimport Outgoing
from tercel.net.protocol cimport WireProtocol
from tercel.net.waking cimport claim, step
from tercel.wire.ws.connection cimport Connection

cdef object _TEXT
cdef object _BINARY
cdef object _current_task


cdef class Delivery:
    cdef tell(self, int kind, payload, bint is_final)
    cdef tell_close(self, int code, str reason)
    cdef tell_writable(self)
    cdef tell_lost(self, error)


cdef class Awaited(Outgoing):
    cdef Delivery _delivery
    cdef object _first
    cdef tuple _known
    cdef object _note_end
    cdef readonly list _queue
    cdef readonly Py_ssize_t _queued_octets
    cdef object _waiter
    cdef readonly bint is_closed
    cdef readonly object loop

    cpdef take(self)
    cdef _push(self, message)
    cdef _shift(self)
    cpdef wait(self)
    cpdef stop_waiting(self)
    cdef _wake(self)
    @cython.locals(known=tuple)
    cdef _go_on(self)
    cpdef _go_on_later(self)
    cpdef next_message(self, note_end)
    cdef _settle(self)
    cdef _settle_with(self, message)
    cdef bint _is_taken(self) except -1


cdef class Messages:
    cdef Awaited _awaited
    cdef object _note_end
