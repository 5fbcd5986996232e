"""How the modules beside this one read an int argument."""

from cpython.long cimport PyLong_AsLongLongAndOverflow
from libc.stdint cimport INT64_MIN, int64_t

cdef extern from *:
    """
    /* The value of an int of one digit (below 2^30), where most ints end; else 0 in *known. */
    static inline long long outcry_small_int(PyObject *value, int *known) {
    #if PY_VERSION_HEX >= 0x030C0000
        *known = PyLong_CheckExact(value) && PyUnstable_Long_IsCompact((PyLongObject *)value);
        return *known ? (long long)PyUnstable_Long_CompactValue((PyLongObject *)value) : 0;
    #else
        *known = PyLong_CheckExact(value) && Py_SIZE(value) >= -1 && Py_SIZE(value) <= 1;
        return *known ? (long long)Py_SIZE(value) * ((PyLongObject *)value)->ob_digit[0] : 0;
    #endif
    }
    """
    int64_t outcry_small_int(object value, int *known) noexcept


cdef inline int64_t large(value, str name) except? -1:
    cdef int overflow = 0
    cdef int64_t result
    if not isinstance(value, int):
        try:
            value = value.__index__()
        except AttributeError:
            raise TypeError(f"{name} is a {type(value).__name__}; give an int.") from None
    result = PyLong_AsLongLongAndOverflow(value, &overflow)
    return INT64_MIN if overflow else result


cdef inline int64_t whole(value, str name) except? -1:
    """The value of an int; one beyond 64 bits becomes INT64_MIN, which no check lets pass."""
    cdef int known
    cdef int64_t result = outcry_small_int(value, &known)
    return result if known else large(value, name)


cdef inline int64_t bounded(value, str name, int64_t low, int64_t high) except? -1:
    """The value of an int from low to high."""
    cdef int64_t number = whole(value, name)
    if number < low or number > high:
        raise ValueError(f"{name} is {value}; it must be {low} to {high}.")
    return number
