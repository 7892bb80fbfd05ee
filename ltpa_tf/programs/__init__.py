"""The programs: flags in, one library call, files out."""
