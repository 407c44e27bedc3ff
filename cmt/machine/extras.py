"""Libraries that only an extra of the installation brings."""

from __future__ import annotations

from importlib import import_module

from cmt.errors import MissingLibraryError


def require(library: str, extra: str, purpose: str) -> None:
    """Import a library; where it is not installed, say what to install.

    Parameters
    ----------
    library
        The name to import.
    extra
        The extra of setup.cfg that brings it.
    purpose
        What needs it, as the subject of a sentence: ``training``.

    Raises
    ------
    MissingLibraryError
        If the library is not installed.
    ModuleNotFoundError
        If it is, and something that it imports is not.
    """
    try:
        import_module(library)
    except ModuleNotFoundError as error:
        if error.name != library:
            raise
        raise MissingLibraryError(
            f"{purpose} needs {library}, which is not installed; type: pip install 'video-cmt[{extra}]'",
            name=library,
        ) from None
