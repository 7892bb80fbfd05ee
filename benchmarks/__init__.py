"""Measurements against other software; each prints ratios and writes JSON lines."""
