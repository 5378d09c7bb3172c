cimport cython

cdef bint _IS_COMPILED

@cython.locals(i=Py_ssize_t)
cdef void _turn(unsigned char *q, Py_ssize_t size, unsigned char key_0, unsigned char key_1, unsigned char key_2, unsigned char key_3) noexcept

@cython.locals(p="const unsigned char *", k="const unsigned char *", size=Py_ssize_t, result=bytes)
cpdef bytes apply_mask(bytes data, Py_ssize_t start, Py_ssize_t end, bytes key)

@cython.locals(p="const unsigned char *", size=Py_ssize_t, result=bytes)
cpdef bytes unmask(bytes data, Py_ssize_t start, Py_ssize_t end)

@cython.locals(k="const unsigned char *", q="unsigned char *", size=Py_ssize_t, result=bytes)
cpdef bytes mask_tail(bytes head, bytes payload, bytes key)

@cython.locals(turn=Py_ssize_t)
cpdef bytes turn_key(bytes key, Py_ssize_t count)
