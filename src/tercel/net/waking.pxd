cimport cython

cdef object _current_task
cdef object _fail_later


@cython.locals(callbacks=list, awaited=Py_ssize_t)
cpdef wake(loop, waiter, result, own)
