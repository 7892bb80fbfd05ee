"""A Hugging Face Hub on this machine: what huggingface_hub asks of one for models."""

import base64
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "of-the-test"
USER = "me"


class Hub:
    """Repositories: their commits, each with its files, the newest last."""

    def __init__(self):
        self.commits: dict[str, list[tuple[str, dict[str, bytes]]]] = {}
        self.large: dict[str, bytes] = {}
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def commit(self, repository, lines):
        """Adds a commit of changes, as the client sends them, and names it."""
        known = self.commits[repository]
        files = dict(known[-1][1])
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.large[value["oid"]]
        content = json.dumps({name: digest(files[name]) for name in sorted(files)})
        sha = hashlib.sha1(f"{len(known)}{content}".encode()).hexdigest()
        known.append((sha, files))
        return sha

    def find(self, repository, revision):
        """A commit by its name, or None."""
        commits = self.commits[repository]
        if revision == "main":
            return commits[-1]
        return next((one for one in commits if one[0] == revision), None)


def digest(content):
    return hashlib.sha256(content).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        path = self.path.partition("?")[0]
        if found := re.fullmatch(r"/api/models/(\w+/[\w-]+)(?:/(\w+)/(\w+))?", path):
            repository, what, revision = found.groups()
            commit = self._commit(repository, revision or "main")
            if commit and what == "tree":
                self._answer([_listed(*item) for item in commit[1].items()])
            elif commit:
                names = [{"rfilename": name} for name in commit[1]]
                self._answer({"id": repository, "sha": commit[0], "siblings": names})
        elif found := re.fullmatch(r"/(\w+/[\w-]+)/resolve/(\w+)/(.+)", path):
            commit = self._commit(found[1], found[2])
            if commit:
                content = commit[1][found[3]]
                headers = {"ETag": f'"{digest(content)}"', "X-Repo-Commit": commit[0]}
                self._answer(content, **headers)
        else:
            self._answer({"error": "Not found"}, 404)

    do_HEAD = do_GET

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/api/validate-yaml":
            self._answer({"errors": [], "warnings": []})
        elif self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._answer({"error": "Invalid username or password."}, 401)
        elif self.path == "/api/repos/create":
            asked = json.loads(body)
            repository = f"{asked.get('organization') or USER}/{asked['name']}"
            there = repository in self.hub.commits
            self.hub.commits.setdefault(repository, [("0" * 40, {})])
            answer = {"url": f"{self.hub.url}/{repository}"}
            self._answer(answer, 409 if there else 200)
        elif found := re.fullmatch(r"/api/models/(.+)/preupload/main", self.path):
            files = [
                {
                    "path": one["path"],
                    "uploadMode": "lfs" if one["path"].endswith(".h5") else "regular",
                    "shouldIgnore": False,
                }
                for one in json.loads(body)["files"]
            ]
            self._answer({"files": files})
        elif found := re.fullmatch(r"/.+\.git/info/lfs/objects/batch", self.path):
            objects = json.loads(body)["objects"]
            for one in objects:
                if one["oid"] not in self.hub.large:
                    href = f"{self.hub.url}/large/{one['oid']}"
                    one["actions"] = {"upload": {"href": href}}
            self._answer({"transfer": "basic", "objects": objects})
        elif found := re.fullmatch(r"/api/models/(.+)/commit/main", self.path):
            sha = self.hub.commit(found[1], map(json.loads, body.splitlines()))
            url = f"{self.hub.url}/{found[1]}/commit/{sha}"
            self._answer({"commitUrl": url, "commitOid": sha})
        else:
            self._answer({"error": "Not found"}, 404)

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.path == f"/large/{digest(body)}"
        self.hub.large[digest(body)] = body
        self._answer({})

    def _commit(self, repository, revision):
        """The commit; where there is none, that is answered."""
        if repository not in self.hub.commits:
            self._answer({"error": "Repository not found"}, 404, "RepoNotFound")
            return None
        commit = self.hub.find(repository, revision)
        if commit is None:
            self._answer({"error": "Invalid rev id"}, 404, "RevisionNotFound")
        return commit

    def _answer(self, content, status=200, error="", **headers):
        if not isinstance(content, bytes):
            content = json.dumps(content).encode()
            headers["Content-Type"] = "application/json"
        if error:
            headers["X-Error-Code"] = error
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _listed(name, content):
    oid = hashlib.sha1(content).hexdigest()
    listed = {"type": "file", "path": name, "size": len(content), "oid": oid}
    if name.endswith(".h5"):
        listed["lfs"] = {
            "oid": digest(content),
            "size": len(content),
            "pointerSize": 130,
        }
    return listed
