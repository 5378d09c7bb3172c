cimport cython


cdef class ByteQueue:
    cdef object _boundaries
    cdef public bint _eof
    cdef object _eof_callbacks
    cdef public object _eof_waiter
    cdef public object _error
    cdef public object _flow
    cdef Py_ssize_t _high
    cdef bint _is_paused
    cdef public object _loop
    cdef Py_ssize_t _low
    cdef Py_ssize_t _max_pieces
    cdef Py_ssize_t _offset
    cdef object _pieces
    cdef object _scanned
    cdef object _separator
    cdef readonly Py_ssize_t _size
    cdef public object _timer
    cdef public object _waiter
    cdef public Py_ssize_t total_bytes
    cdef public object total_compressed_bytes

    cpdef feed_data(self, object data, Py_ssize_t size=*)
    cpdef feed_eof(self)
    cpdef begin_http_chunk_receiving(self)

    @cython.locals(boundaries=object)
    cpdef end_http_chunk_receiving(self)

    cpdef hold(self)
    cpdef set_exception(self, object exc, object exc_cause=*)
    cpdef on_eof(self, object callback)
    cpdef get_read_buffer_limits(self)
    cpdef set_read_chunk_size(self, Py_ssize_t n)

    @cython.locals(first=bytes, end=Py_ssize_t, available=Py_ssize_t, missing=Py_ssize_t)
    cpdef bytes _take(self, Py_ssize_t n)

    @cython.locals(first=bytes)
    cpdef bytes _take_all(self)

    @cython.locals(first=bytes, taken=Py_ssize_t)
    cpdef bytes _take_piece(self)

    @cython.locals(first=bytes, at=Py_ssize_t, end=Py_ssize_t, width=Py_ssize_t, start=Py_ssize_t)
    cpdef bytes _take_until(self, bytes separator, Py_ssize_t limit)

    @cython.locals(consumed=Py_ssize_t, end=Py_ssize_t)
    cpdef tuple _take_chunk(self)

    @cython.locals(first=bytes)
    cpdef _put_back(self, bytes data)

    cpdef bint _let_flow(self) except? 0

    cdef bytes _judge_line(self, bytes data, Py_ssize_t limit)
    cdef _unscan(self)
    cdef _pause_if_full(self)
    cdef _wake(self)

    @cython.locals(consumed=Py_ssize_t)
    cdef _after_taking(self, Py_ssize_t taken)
