"""Debian's Chromium for tests, by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


@contextmanager
def open_browser() -> Iterator[Any]:
    """A browser; without one the tests are skipped, and fail where CI says that there must be one."""
    program = next((path for path in map(shutil.which, NAMES) if path), None)
    if program is None:
        reason = "no Chromium is installed: sudo apt-get install chromium"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    # As root Chromium needs to be told that it may; the pages are our own.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()
