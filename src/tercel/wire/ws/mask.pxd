cimport cython

cdef bint _IS_COMPILED

@cython.locals(p="const unsigned char *", q="unsigned char *", k="const unsigned char *", i=Py_ssize_t, size=Py_ssize_t, result=bytes,
               key_0="unsigned char", key_1="unsigned char", key_2="unsigned char", key_3="unsigned char")
cpdef bytes apply_mask(bytes data, Py_ssize_t start, Py_ssize_t end, bytes key)

@cython.locals(turn=Py_ssize_t)
cpdef bytes turn_key(bytes key, Py_ssize_t count)
