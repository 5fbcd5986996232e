"""Publish and subscribe inside one process, on one thread.

Handler lists are built when somebody subscribes, so that publishing only walks a tuple. A
handler that raises is reported and counted, and the message goes on to the others.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

M = TypeVar("M")
Handler = Callable[[Any], object]
Reporter = Callable[[Handler, object, Exception], None]


class LocalBus:
    """Hands each message to everyone who asked for its type.

    Args:
        on_error: called with the handler, the message and the exception of a handler that raised.
            It must not raise; if it does, that is counted and swallowed too.

    Attributes:
        errors: how many times a handler raised.
    """

    __slots__ = ("_all", "_keyed", "_on_error", "_routes", "errors")

    def __init__(self, on_error: Reporter) -> None:
        self._on_error = on_error
        self._all: dict[type, list[Handler]] = {}
        self._keyed: dict[type, dict[Hashable, list[Handler]]] = {}
        # For each type: handlers by key; None holds those that want every key.
        self._routes: dict[type, dict[Hashable, tuple[Handler, ...]]] = {}
        self.errors = 0

    def subscribe(
        self, kind: type[M], handler: Callable[[M], object], key: Hashable = None
    ) -> Callable[[], None]:
        """Call `handler` with every message of exactly the type `kind`, in order of subscription.

        With a `key` only messages published under that key come; handlers of all keys go first.
        Returns a function that ends the subscription.
        """
        if key is None:
            handlers = self._all.setdefault(kind, [])
        else:
            handlers = self._keyed.setdefault(kind, {}).setdefault(key, [])
        handlers.append(handler)
        self._build(kind)

        def end() -> None:
            if handler in handlers:
                handlers.remove(handler)
                self._build(kind)

        return end

    def publish(self, message: object, key: Hashable = None) -> None:
        """Hand `message` to its subscribers. Never raises for what a handler does."""
        routes = self._routes.get(type(message))
        if routes is None:
            return
        handlers = routes.get(key)
        if handlers is None:
            handlers = routes[None]
        for handler in handlers:
            try:
                handler(message)
            except Exception as error:
                self._failed(handler, message, error)

    def _failed(self, handler: Handler, message: object, error: Exception) -> None:
        self.errors += 1
        try:
            self._on_error(handler, message, error)
        except Exception:
            self.errors += 1

    def _build(self, kind: type) -> None:
        for_all = tuple(self._all.get(kind, ()))
        routes: dict[Hashable, tuple[Handler, ...]] = {None: for_all}
        for key, handlers in self._keyed.get(kind, {}).items():
            if handlers:
                routes[key] = for_all + tuple(handlers)
        if len(routes) == 1 and not for_all:
            self._routes.pop(kind, None)
        else:
            self._routes[kind] = routes
