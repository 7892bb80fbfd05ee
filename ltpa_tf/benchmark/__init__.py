"""Speeds: of training steps, of the data path, of serving, and beside other software.

Each program prints ratios and writes JSON lines; docs/performance.md rests on them.
"""
