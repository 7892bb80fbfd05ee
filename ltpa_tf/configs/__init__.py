"""One small file per experiment; `common.py` holds every default."""
