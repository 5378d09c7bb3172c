from tercel.net.protocol cimport WireProtocol

cdef double _SLACK


cdef class WatchedProtocol(WireProtocol):
    cdef double _body_due
    cdef double _body_time
    cdef bint _has_moved
    cdef double _send_due
    cdef Py_ssize_t _send_mark
    cdef double _send_time

    cpdef bint on_body_stuck(self) except -1
    cpdef on_send_stuck(self)

    cpdef pause_writing(self)
    cpdef resume_writing(self)
    cpdef resume_reading(self)
    cpdef close(self)
    cpdef note_body(self)
    cpdef forget_body(self)
    cpdef check_progress(self)
    cdef _watch_sending(self)
    cdef _arm(self, double seconds)
