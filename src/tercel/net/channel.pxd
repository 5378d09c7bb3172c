cimport cython

from tercel.net.protocol cimport WireProtocol
from tercel.wire.ws.connection cimport Connection
from tercel.wire.ws.frames cimport encode_close, encode_frame_head

cdef object _CLOSE
cdef object _ERROR
cdef object _PING
cdef object _PONG
cdef int _ABNORMAL
cdef int _INTERNAL_ERROR
cdef Py_ssize_t _MAX_QUEUED
cdef Py_ssize_t _MAX_QUEUED_OCTETS
cdef Py_ssize_t _MAX_HELD
cdef Py_ssize_t _JOIN_LIMIT
cdef double _LINGER


cdef class Channel:
    cdef bint _autoclose
    cdef bint _autoping
    cdef bint _awaits_pong
    cdef object _beat_timer
    cdef object _close_waiter
    cdef object _dead_peer
    cdef double _heard
    cdef double _heartbeat
    cdef bint _is_client
    cdef bint _is_paused
    cdef object _linger_timer
    cdef bytes _owed_pong
    cdef readonly object _queue
    cdef readonly Py_ssize_t _queued_octets
    cdef object _waiter
    cdef readonly Connection _wire
    cdef public object close_code
    cdef public object error
    cdef readonly bint got_close
    cdef readonly bint is_closed
    cdef readonly bint is_lost
    cdef readonly object loop
    cdef readonly WireProtocol protocol
    cdef readonly bint sent_close

    cpdef start(self, bytes data)

    @cython.locals(wire=Connection)
    cpdef data_received(self, data)

    cpdef eof_received(self)
    cpdef connection_lost(self, error)
    cpdef pause_writing(self)
    cpdef resume_writing(self)

    @cython.locals(wire=Connection)
    cdef _parse(self)

    cdef _answer_ping(self, bytes data)
    cdef _fail(self, error)
    cdef _take_error(self, error)
    cdef _wake(self)

    cpdef take(self)

    cdef _parse_on(self)
    cdef _take_close(self, message)
    cpdef wait(self)
    cpdef stop_waiting(self)

    @cython.locals(key=bytes)
    cdef _write(self, int opcode, bytes payload, int level)

    cpdef bint send(self, int opcode, bytes payload, int level=*) except -1
    cpdef bint send_encoded(self, bytes frame) except -1
    cdef _check_open(self)
    cdef _pay_pong(self)
    cdef _send_close(self, int code, reason)
    cpdef bint begin_close(self, int code, reason) except -1
    cpdef wait_close(self)
    cpdef give_up(self, error)
    cpdef fail(self)
    cpdef finish(self)
    cdef _end(self, int code)
    cdef _linger(self)
    cdef _wake_closer(self)
    cdef _stop_timers(self)
    cdef _arm_heartbeat(self, double due)
    cpdef _beat(self)
    cdef _lose_peer(self, double seconds)
