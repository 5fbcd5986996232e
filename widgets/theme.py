"""Colours, fonts and sizes in one place: tokens for dark and light, applied as a palette.

Panels that paint themselves read `tokens()` when they paint and repaint on a palette change;
nothing keeps a colour of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication


@dataclass(frozen=True, slots=True)
class Tokens:
    """Every colour by what it means."""

    dark: bool
    window: QColor
    panel: QColor
    raised: QColor
    line: QColor
    text: QColor
    dim: QColor
    faint: QColor
    accent: QColor
    up: QColor
    down: QColor
    bid: QColor
    ask: QColor
    warning: QColor
    danger: QColor
    good: QColor
    paper: QColor
    replay: QColor
    live: QColor


def _c(value: str) -> QColor:
    return QColor(value)


DARK = Tokens(
    dark=True,
    window=_c("#0f1318"),
    panel=_c("#151a21"),
    raised=_c("#1f2630"),
    line=_c("#2b3440"),
    text=_c("#e4e9f0"),
    dim=_c("#9aa7b6"),
    faint=_c("#3a4552"),
    accent=_c("#4da3ff"),
    up=_c("#2fbf71"),
    down=_c("#ff5c68"),
    bid=_c("#4f97e6"),
    ask=_c("#e27a52"),
    warning=_c("#f2b134"),
    danger=_c("#ff4f5e"),
    good=_c("#2fbf71"),
    paper=_c("#4a94fd"),
    replay=_c("#b07cf5"),
    live=_c("#ff4f5e"),
)

LIGHT = Tokens(
    dark=False,
    window=_c("#eef1f5"),
    panel=_c("#ffffff"),
    raised=_c("#f4f6f9"),
    line=_c("#d3dae3"),
    text=_c("#17202b"),
    dim=_c("#566373"),
    faint=_c("#c3ccd7"),
    accent=_c("#0b62c4"),
    up=_c("#0b7a43"),
    down=_c("#c2182b"),
    bid=_c("#1f65b5"),
    ask=_c("#b4481f"),
    warning=_c("#8a5a00"),
    danger=_c("#c2182b"),
    good=_c("#0b7a43"),
    paper=_c("#0b62c4"),
    replay=_c("#6f35c0"),
    live=_c("#c2182b"),
)

UP_DOWN = {
    "green/red": None,
    "red/green": ("down", "up"),
    "blue/orange": ("bid", "ask"),
}
"""Choices for the colours of rising and falling: which tokens stand in for up and down."""

_current: Tokens = DARK


def tokens() -> Tokens:
    """The tokens in force."""
    return _current


def apply_theme(app: QApplication, name: str, up_down: str = "green/red", points: int = 0) -> None:
    """Put a theme (``dark`` or ``light``) in force on the whole program.

    Raises:
        ValueError: with the known names, when `name` or `up_down` is not one of them.
    """
    global _current
    try:
        base = {"dark": DARK, "light": LIGHT}[name]
        swap = UP_DOWN[up_down]
    except KeyError as error:
        raise ValueError(
            f"{error} is not a theme setting: themes are dark, light; colours {', '.join(UP_DOWN)}."
        ) from None
    if swap is not None:
        base = replace(base, up=getattr(base, swap[0]), down=getattr(base, swap[1]))
    _current = base
    # each of these walks through all widgets, so only what changes is set
    if app.style().objectName() != "fusion":
        app.setStyle("Fusion")
    font, palette = ui_font(points), _palette(base)
    if font != app.font():
        app.setFont(font)
    if palette != app.palette():
        app.setPalette(palette)


def ui_font(points: int = 0) -> QFont:
    """The program's font; digits all of one width. `points` 0 keeps the system's size."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    if points:
        font.setPointSize(points)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def _palette(t: Tokens) -> QPalette:
    role = QPalette.ColorRole
    palette = QPalette()
    for name, color in (
        (role.Window, t.window),
        (role.WindowText, t.text),
        (role.Base, t.panel),
        (role.AlternateBase, t.raised),
        (role.Text, t.text),
        (role.Button, t.raised),
        (role.ButtonText, t.text),
        (role.BrightText, t.danger),
        (role.ToolTipBase, t.raised),
        (role.ToolTipText, t.text),
        (role.PlaceholderText, t.dim),
        (role.Highlight, t.accent),
        (role.HighlightedText, t.window if t.dark else t.panel),
        (role.Link, t.accent),
        (role.Light, t.raised),
        (role.Midlight, t.raised),
        (role.Mid, t.line),
        (role.Dark, t.line),
        (role.Shadow, t.window),
    ):
        palette.setColor(name, color)
    for name in (role.Text, role.WindowText, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, name, t.dim)
    return palette
