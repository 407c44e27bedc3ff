"""Designed sounds for what strikes, cuts, sweeps and lies in the picture: which, where, how strong, and their track."""
