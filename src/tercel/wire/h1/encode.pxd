cimport cython

cdef dict _REASONS
cdef dict _STATUS_LINES
cdef dict _NAMES
cdef Py_ssize_t _MAX_NAMES

@cython.locals(text=bytes)
cpdef bytes encode_status_line(int status, str reason)

@cython.locals(text=bytes)
cdef bytes _encode_name(str name)

@cython.locals(parts=list, text=bytes, encoded=bytes, name=str, value=str)
cpdef bytes encode_fields(fields)

cpdef bytes encode_response_head(int status, str reason, fields)
cpdef bytes encode_request_head(str method, str target, fields)
cpdef bytes encode_chunk(data)
