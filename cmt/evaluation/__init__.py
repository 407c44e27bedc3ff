"""Measured pieces: one by one and as sets, beside their chance levels and real songs, as tables and a page."""
