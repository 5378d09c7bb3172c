cimport cython

cdef object _is_field_text
cdef object _is_token
cdef object _BadMultipart
cdef object _TruncatedMultipart
cdef object _END_OF_PART
cdef object _END_OF_BODY
cdef int _PREAMBLE
cdef int _DATA
cdef int _DELIMITER
cdef int _HEAD
cdef int _CLOSED
cdef int _EPILOGUE


cdef class PartHead:
    cdef readonly tuple pairs


cdef class EndOfPart:
    pass


cdef class EndOfBody:
    pass


cdef class MultipartParser:
    cdef bytes _data
    cdef bytes _delimiter
    cdef bint _eof
    cdef bint _in_part
    cdef Py_ssize_t _lead
    cdef object _limits
    cdef Py_ssize_t _pos
    cdef Py_ssize_t _scanned
    cdef Py_ssize_t _skipped
    cdef int _state
    cdef bint _within_part
    cdef readonly bint is_done

    cpdef feed_data(self, bytes data)
    cpdef feed_eof(self)

    @cython.locals(piece=bytes, state=int)
    cpdef next_event(self)

    @cython.locals(data=bytes, start=Py_ssize_t, first=Py_ssize_t, end=Py_ssize_t)
    cdef bytes _take_content(self)

    @cython.locals(end=Py_ssize_t, pos=Py_ssize_t)
    cdef Py_ssize_t _find_beginning(self, bytes data, Py_ssize_t start) except? -1

    @cython.locals(piece=bytes)
    cdef _skip_preamble(self)

    @cython.locals(data=bytes, end=Py_ssize_t, pos=Py_ssize_t, last=Py_ssize_t, following=bytes)
    cdef _take_delimiter(self)

    @cython.locals(data=bytes, start=Py_ssize_t, end=Py_ssize_t, size=Py_ssize_t)
    cdef _take_head(self)

    @cython.locals(line=bytes)
    cdef tuple _parse_fields(self, bytes block)
