"""Quickstart: two attention levels on the bundled cluttered digits, for a CPU.

make quickstart
"""

from configs import common


def get_config():
    config = common.get_config()
    config.data.name = "digits"
    return config
