cimport cython

cdef bytes _KIND
cdef unsigned char _VALUE
cdef dict _REASONS
cdef dict _STATUS_LINES
cdef dict _NAMES
cdef Py_ssize_t _MAX_NAMES
cdef dict _ROLES

@cython.locals(text=bytes)
cpdef bytes encode_status_line(int status, reason)

@cython.locals(text=bytes)
cdef bytes _encode_name(name)

@cython.locals(parts=list, text=bytes, encoded=bytes)
cpdef bytes encode_fields(fields)

@cython.locals(parts=list, encoded=bytes, has_type=bint)
cpdef bytes encode_common_fields(fields)

cdef bytes _encode_text(str text)

@cython.locals(p="const unsigned char *", kind="const unsigned char *", i=Py_ssize_t, end=Py_ssize_t)
cdef bint _is_clean(bytes data) except -1

cpdef bytes encode_response_head(int status, reason, fields)
cpdef bytes encode_request_head(method, target, fields)
cpdef bytes encode_chunk(data)
