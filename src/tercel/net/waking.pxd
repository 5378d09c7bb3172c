cimport cython

cdef object _current_task
cdef object _fail_later


@cython.locals(callbacks=list)
cpdef tuple claim(waiter, tuple known)

cpdef step(loop, tuple known, waiter)

@cython.locals(callbacks=list, awaited=Py_ssize_t, known=tuple)
cpdef wake(loop, waiter, result, own)
