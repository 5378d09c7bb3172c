cimport cython

cpdef list list_tokens(bytes value)
cpdef read_length(bytes value, Py_ssize_t max_digits)
cpdef read_coding(bytes value, bint is_http10)
cpdef read_host(bytes value)
