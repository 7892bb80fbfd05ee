"""An S3 server on this machine: moto's, in a process of its own."""

import re
import subprocess
import sys
import time
import urllib.request

import fsspec
from ports import free_port

BUCKET = "bucket"


class Server:
    """The server, and what a process needs to reach it."""

    scheme = "s3"
    module = "moto.server", "-H", "127.0.0.1", "-p"

    def __init__(self, log):
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        self.environment = self.reached_by(url)
        self._log = log
        stream = log.open("w")
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", *self.module, str(port)],
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
        stream.close()
        end = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(url).close()
                return
            except OSError:
                assert self._process.poll() is None and time.monotonic() < end, log
                time.sleep(0.1)

    @staticmethod
    def reached_by(url):
        """The variables by which the driver finds the server."""
        return {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "of-the-test",
            "AWS_SECRET_ACCESS_KEY": "of-the-test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    @classmethod
    def store(cls):
        """The store, as another process sees it at this moment."""
        return fsspec.filesystem(cls.scheme, use_listings_cache=False)

    def names(self, url):
        """What is in a folder of the store."""
        root = url.removeprefix(f"{self.scheme}://")
        return sorted(key.removeprefix(f"{root}/") for key in self.store().find(root))

    def fetch(self, url, folder):
        """A folder of the store on this machine, and nothing else there."""
        for name in self.names(url):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            key = url.removeprefix(f"{self.scheme}://") + f"/{name}"
            (folder / name).write_bytes(self.store().cat_file(key))
        return folder

    def uploads(self, url):
        """The names of what was uploaded to a folder, in order."""
        root = re.escape(url.removeprefix("s3://"))
        return re.findall(rf'"PUT /{root}/([^ ?]+)', self._log.read_text())

    def close(self):
        self._process.kill()
        self._process.wait()
