cimport cython

cdef object _VERSION_10
cdef object _VERSION_11
cdef dict _NAMES
cdef Py_ssize_t _MAX_NAMES

cpdef list parse_pairs(bytes block)

@cython.locals(p="const unsigned char *", end=Py_ssize_t, pos=Py_ssize_t, i=Py_ssize_t, colon=Py_ssize_t,
               first=Py_ssize_t, last=Py_ssize_t, pairs=list)
cdef list _split_block(bytes block, bint as_text)

cdef object _name_of(bytes name)


cdef class Fields:
    cdef object _headers
    cdef tuple _raw_headers
    cdef readonly bytes block
    cdef readonly object length

    cpdef headers(self)
    cpdef tuple raw_headers(self)


cdef class Head:
    cdef public bytes _block
    cdef public Fields _fields
    cdef object _headers
    cdef tuple _raw_headers
    cdef public bint chunked
    cdef public object content_length
    cdef public bint keep_alive
    cdef public object upgrade
    cdef public object version

    cpdef forget_headers(self)


cdef class RequestHead(Head):
    cdef public object authority
    cdef public bint expects
    cdef public bint expects_continue
    cdef public bint may_be_coded
    cdef public object method
    cdef public object path
    cdef public object query
    cdef public object scheme
    cdef public object target


cdef class ResponseHead(Head):
    cdef public bint may_be_coded
    cdef public bint may_set_cookies
    cdef public object reason
    cdef public int status


@cython.locals(head=RequestHead)
cpdef RequestHead make_request_head(method, target, version, headers)
