"""How the modules beside this one read an int argument."""

from cpython.long cimport PyLong_AsLongLongAndOverflow
from libc.stdint cimport INT64_MIN, int64_t


cdef inline int64_t whole(value, str name) except? -1:
    """The value of an int; one beyond 64 bits becomes INT64_MIN, which no check lets pass."""
    cdef int overflow = 0
    cdef int64_t result
    if not isinstance(value, int):
        try:
            value = value.__index__()
        except AttributeError:
            raise TypeError(f"{name} is a {type(value).__name__}; give an int.") from None
    result = PyLong_AsLongLongAndOverflow(value, &overflow)
    return INT64_MIN if overflow else result


cdef inline int64_t bounded(value, str name, int64_t low, int64_t high) except? -1:
    """The value of an int from low to high."""
    cdef int64_t number = whole(value, name)
    if number < low or number > high:
        raise ValueError(f"{name} is {value}; it must be {low} to {high}.")
    return number
