cimport cython

from tercel.net.awaited cimport Awaited, Delivery
from tercel.net.protocol cimport WireProtocol
from tercel.wire.ws.connection cimport Connection
from tercel.wire.ws.frames cimport encode_close

cdef object _TEXT
cdef object _BINARY
cdef object _CLOSE
cdef object _ERROR
cdef object _pulse_of
cdef int _ABNORMAL
cdef int _INTERNAL_ERROR
cdef Py_ssize_t _MAX_QUEUED
cdef Py_ssize_t _MAX_QUEUED_OCTETS
cdef Py_ssize_t _MAX_HELD
cdef double _LINGER


cdef class Channel(Awaited):
    cdef bint _autoclose
    cdef bint _autoping
    cdef bint _awaits_pong
    cdef object _beat
    cdef object _close_waiter
    cdef object _dead_peer
    cdef double _heard
    cdef double _heartbeat
    cdef bint _is_delivering
    cdef bint _is_held
    cdef bint _is_paused
    cdef object _linger_timer
    cdef object _pulse
    cdef public object close_code
    cdef public object error
    cdef readonly bint got_close

    cpdef start(self, bytes data)

    @cython.locals(wire=Connection)
    cpdef data_received(self, data)

    cpdef eof_received(self)

    @cython.locals(delivery=Delivery)
    cpdef connection_lost(self, error)

    cpdef pause_writing(self)
    cpdef resume_writing(self)

    @cython.locals(wire=Connection, count=Py_ssize_t, kind=int)
    cdef _parse(self)

    @cython.locals(wire=Connection, kind=int)
    cdef _deliver(self)

    @cython.locals(wire=Connection, delivery=Delivery, code=int)
    cdef _deliver_one(self, int kind)

    cpdef deliver_to(self, Delivery delivery, bint by_frame)
    cpdef hold(self, bint is_held)
    cdef _fail(self, error)
    cdef _take_error(self, error)
    @cython.locals(queue=list)
    cpdef take(self)

    cdef _parse_on(self)
    cdef _take_close(self, int code)
    cdef _send_close(self, int code, reason)
    cpdef bint begin_close(self, int code, reason) except -1
    cpdef wait_close(self)
    cpdef close_within(self, seconds)
    cpdef _time_out(self)
    cpdef give_up(self, error)
    cpdef fail(self)
    cpdef finish(self)
    cdef _end(self, int code)
    cdef _linger(self)
    cdef _wake_closer(self)
    cdef _stop_timers(self)
    cdef _beat_at(self, double due)
    cpdef beat(self)
    cdef _lose_peer(self, double seconds)
