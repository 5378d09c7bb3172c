cimport cython

from tercel.wire.h1.framing cimport list_tokens, read_coding, read_host, read_length
from tercel.wire.h1.head cimport Fields, Head, RequestHead, ResponseHead

cdef bytes _KIND
cdef unsigned char _TCHAR
cdef unsigned char _VALUE
cdef unsigned char _TARGET
cdef unsigned char _DIGIT
cdef unsigned char _HOST
cdef unsigned char _TELLING
cdef object _VERSION_10
cdef object _VERSION_11
cdef Py_ssize_t _MAX_MEMO
cdef dict _METHODS
cdef object _NOT_IN_TRAILERS

cdef class HeadParser:
    cdef bytes _connection
    cdef Py_ssize_t _count
    cdef bytes _expect
    cdef Py_ssize_t _fields
    cdef Head _head
    cdef bytes _host
    cdef bint _is_coded
    cdef bytes _length
    cdef object _limits
    cdef Py_ssize_t _max_field
    cdef Py_ssize_t _max_head
    cdef Py_ssize_t _max_line
    cdef Py_ssize_t _max_lines
    cdef Fields _memo
    cdef Py_ssize_t _offset
    cdef Py_ssize_t _scanned
    cdef bint _sets_cookies
    cdef Py_ssize_t _skipped
    cdef bytes _transfer
    cdef ResponseHead _twin
    cdef bytes _twin_octets
    cdef bytes _upgrade
    cdef readonly Py_ssize_t end
    cdef readonly bint is_request

    cdef _reset(self)

    @cython.locals(end=Py_ssize_t, pos=Py_ssize_t, limit=Py_ssize_t, head=Head, again=Head, size=Py_ssize_t)
    cpdef Head parse(self, bytes data, Py_ssize_t start)

    @cython.locals(size=Py_ssize_t)
    cdef _keep_twin(self, ResponseHead head, bytes data, Py_ssize_t start)

    cdef _keep_memo(self, RequestHead head)

    @cython.locals(p="const unsigned char *", memo=Fields, head=RequestHead, after=Py_ssize_t)
    cdef bint _take_memo(self, bytes data, Py_ssize_t pos, Py_ssize_t end) except -1

    @cython.locals(end=Py_ssize_t, pos=Py_ssize_t)
    cpdef tuple parse_trailers(self, bytes data, Py_ssize_t start)

    @cython.locals(following=Py_ssize_t)
    cdef Py_ssize_t _parse_fields(self, bytes data, Py_ssize_t start, Py_ssize_t pos, Py_ssize_t end) except? -2

    @cython.locals(limit=Py_ssize_t)
    cdef Py_ssize_t _refuse(self, bytes data, Py_ssize_t pos, Py_ssize_t at, str message, int status) except? -2

    @cython.locals(p="const unsigned char *")
    cdef Py_ssize_t _parse_start(self, bytes data, Py_ssize_t pos, Py_ssize_t end) except? -2

    @cython.locals(p="const unsigned char *", kind="const unsigned char *", last=Py_ssize_t, i=Py_ssize_t,
                   method_end=Py_ssize_t, target_end=Py_ssize_t, head=RequestHead, name=bytes, target=str,
                   mark=Py_ssize_t)
    cdef Py_ssize_t _parse_request_line(self, bytes data, Py_ssize_t pos, Py_ssize_t end) except? -2

    @cython.locals(p="const unsigned char *", kind="const unsigned char *", last=Py_ssize_t, i=Py_ssize_t,
                   head=ResponseHead)
    cdef Py_ssize_t _parse_status_line(self, bytes data, Py_ssize_t pos, Py_ssize_t end) except? -2

    @cython.locals(p="const unsigned char *", kind="const unsigned char *", last=Py_ssize_t, i=Py_ssize_t,
                   colon=Py_ssize_t, first=Py_ssize_t, size=Py_ssize_t)
    cdef Py_ssize_t _parse_field(self, bytes data, Py_ssize_t pos, Py_ssize_t end) except? -2

    cdef _note(self, bytes name, bytes value)
    cdef _finish(self, Head head)
    cdef _finish_request(self, RequestHead head)
    @cython.locals(p="const unsigned char *", kind="const unsigned char *", i=Py_ssize_t, end=Py_ssize_t)
    cdef bint _is_plain_host(self, bytes value) except -1

    cdef _finish_response(self, ResponseHead head)


cdef str _bad_octet(str where, unsigned char octet)

@cython.locals(p="const unsigned char *")
cdef bint _is_http11(bytes data, Py_ssize_t pos) except -1

cdef object _read_version(bytes text)
