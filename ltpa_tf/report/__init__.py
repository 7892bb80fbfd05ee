"""A run on one page: `report.html`, which needs no other file and no network."""

from ltpa_tf.report.write import FILE, write_report

__all__ = ["FILE", "write_report"]
