"""A server of Google Cloud Storage on this machine: gcp-storage-emulator's."""

import s3


class Server(s3.Server):
    """The server, and what a process needs to reach it."""

    scheme = "gs"
    module = (
        *("gcp_storage_emulator", "start", "--in-memory", "--host", "127.0.0.1"),
        *("--default-bucket", s3.BUCKET, "--port"),
    )

    @staticmethod
    def reached_by(url):
        """The variables by which the driver finds the server."""
        return {
            "STORAGE_EMULATOR_HOST": url,
            # Newer drivers ask Google itself of what kind a bucket is.
            "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",
        }
