"""All of Outcry that is not Qt: the words, the book, the kernel, the venues, the services."""

from core import native

native.attach()
