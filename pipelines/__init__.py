"""The programs, to be started from a checkout; each is one of `ltpa_tf/programs`."""
