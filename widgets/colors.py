"""Arithmetic on colours, so that what is painted is opaque and its contrast can be told."""

from __future__ import annotations

from PySide6.QtGui import QColor


def mix(top: QColor, under: QColor, share: float) -> QColor:
    """The opaque colour of `top` laid over `under` with opacity `share` (0 to 1)."""
    rest = 1.0 - share
    return QColor.fromRgbF(
        top.redF() * share + under.redF() * rest,
        top.greenF() * share + under.greenF() * rest,
        top.blueF() * share + under.blueF() * rest,
    )


def contrast(one: QColor, other: QColor) -> float:
    """WCAG contrast ratio of two opaque colours, 1 to 21; text wants 4.5 or more."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def readable_on(background: QColor, *choices: QColor) -> QColor:
    """The first of `choices` that reads on `background`, else the one that reads best."""
    for choice in choices:
        if contrast(choice, background) >= 4.5:
            return choice
    return max(choices, key=lambda choice: contrast(choice, background))


def _luminance(color: QColor) -> float:
    def linear(part: float) -> float:
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    return (
        0.2126 * linear(color.redF())
        + 0.7152 * linear(color.greenF())
        + 0.0722 * linear(color.blueF())
    )
