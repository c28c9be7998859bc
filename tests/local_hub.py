"""A small hub on this machine that speaks the part of Hugging Face's API that `huggingface_hub` uses for models.

Commits are kept with the bytes of their files; what its rule calls large goes the way of Git LFS: announced, asked for,
uploaded apart, named in the commit by its SHA-256, and downloaded over a redirect to another address.
"""

import base64
import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

TOKEN = "hf_secretsecretsecretsecretsecretsecret"


@dataclass
class Repository:
    private: bool = False
    gated: bool = False
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=lambda: {"main": ""})

    def commit(self, files, branch="main", deleted=()):
        """Lay files over the newest state, without those that are deleted; return the name of the new commit."""
        whole = {**self.commits.get(self.branches[branch], {}), **files}
        whole = {name: content for name, content in whole.items() if name not in deleted}
        name = hashlib.sha1(repr((self.branches, sorted(whole.items()))).encode()).hexdigest()
        self.commits[name] = whole
        self.branches[branch] = name
        return name


@dataclass
class Hub:
    """The hub's state, and what a test changes in it.

    Attributes:
        large: From how many bytes on a file goes the way of Git LFS.
        requests: Method, path and headers of each request that came.
        swapped: Bytes that are sent in place of a file's, by its name, as somebody in between would.
        breaking: Names of files of which only half is sent before the connection is closed, each time.
        garbling: Names of files that are kept otherwise than they were sent.
        refusing: Answers in place of the hub's: status, headers.
    """

    large: int = 10_000
    repositories: dict[str, Repository] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    requests: list = field(default_factory=list)
    uploads: list = field(default_factory=list)
    swapped: dict[str, bytes] = field(default_factory=dict)
    breaking: set = field(default_factory=set)
    garbling: set = field(default_factory=set)
    refusing: tuple | None = None
    address: str = ""
    storage: str = ""

    def paths(self, method=None):
        return [path for one, path, _ in self.requests if method in (None, one)]


class Refusal(Exception):  # noqa: N818 - it is an answer, not an error
    def __init__(self, status, code="", message=""):
        self.status, self.headers = status, {"X-Error-Code": code, "X-Error-Message": message}


def blob(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Answers as the hub does; the hub itself is its server's."""

    protocol_version = "HTTP/1.1"

    @property
    def hub(self):
        return self.server.hub

    def handle_any(self):
        path = urlsplit(self.path).path
        self.hub.requests.append((self.command, path, {name.lower(): one for name, one in self.headers.items()}))
        length = int(self.headers.get("Content-Length") or 0)
        self.body = (
            self.rfile.read(length) if "chunked" not in self.headers.get("Transfer-Encoding", "") else self.chunks()
        )
        try:
            self.route(path)
        except Refusal as refusal:
            self.answer(refusal.status, b"{}", {k: v for k, v in refusal.headers.items() if v})

    def route(self, path):
        if self.hub.refusing:
            raise Refusal(*self.hub.refusing)
        for pattern, method, name in ROUTES:
            found = re.fullmatch(pattern, path)
            if found and method == self.command:
                getattr(self, name)(*map(unquote, found.groups()))
                return
        raise Refusal(404, "", f"no route {self.command} {path}")

    def chunks(self):
        body = b""
        while size := int(self.rfile.readline().strip() or b"0", 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def answer(self, status, content=b"", headers=None, *, length=None):
        if not isinstance(content, bytes):
            content = json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        if length is not None and self.command != "HEAD" and length > len(content):
            self.close_connection = True

    def writer(self):
        """Refuse whoever sends no token, or another one than the hub's."""
        given = self.headers.get("Authorization")
        if given is None:
            raise Refusal(401, "", "Invalid username or password.")
        if given != f"Bearer {TOKEN}":
            raise Refusal(401, "", "Invalid credentials in Authorization header")

    def repository(self, name):
        given = self.headers.get("Authorization")
        if given is not None:
            self.writer()
        found = self.hub.repositories.get(name)
        if found is None or (found.private and given is None):
            raise Refusal(401 if given is None else 404, "RepoNotFound", "Repository not found")
        return found

    def files(self, name, revision):
        repository = self.repository(name)
        commit = repository.branches.get(revision, revision)
        if commit not in repository.commits and commit:
            raise Refusal(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return repository, commit, repository.commits.get(commit, {})

    def info(self, name, revision="main"):
        repository, commit, files = self.files(name, revision)
        siblings = [
            {
                "rfilename": path,
                "size": len(content),
                "blobId": blob(content),
                **self.lfs(content),
            }
            for path, content in files.items()
        ]
        self.answer(
            200,
            {"id": name, "sha": commit or None, "private": repository.private, "tags": [], "siblings": siblings},
        )

    def lfs(self, content):
        if len(content) < self.hub.large:
            return {}
        return {"lfs": {"size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "pointerSize": 134}}

    def create(self):
        self.writer()
        asked = json.loads(self.body)
        name = f"{asked['organization']}/{asked['name']}"
        if name in self.hub.repositories:
            raise Refusal(409, "", "You already created this model repo")
        private = asked.get("private", asked.get("visibility") == "private")
        self.hub.repositories[name] = Repository(private=bool(private))
        self.hub.repositories[name].commit({".gitattributes": b"*.keras filter=lfs diff=lfs merge=lfs -text\n"})
        self.answer(200, {"url": f"{self.hub.address}/{name}"})

    def validate(self):
        wrong = "license: nonsense" in json.loads(self.body)["content"]
        errors = [{"message": '"license" must be one of [apache-2.0, mit]'}] if wrong else []
        self.answer(400 if wrong else 200, {"errors": errors, "warnings": []})

    def preupload(self, name, revision):
        self.writer()
        _, _, files = self.files(name, revision)
        told = [
            {
                "path": one["path"],
                "uploadMode": "lfs" if one["size"] >= self.hub.large else "regular",
                "shouldIgnore": False,
                **({"oid": blob(files[one["path"]])} if one["path"] in files else {}),
            }
            for one in json.loads(self.body)["files"]
        ]
        self.answer(200, {"files": told})

    def batch(self, name):
        self.writer()
        objects = []
        for one in json.loads(self.body)["objects"]:
            action = {"upload": {"href": f"{self.hub.address}/objects/{one['oid']}"}}
            objects.append({**one, **({} if one["oid"] in self.hub.objects else {"actions": action})})
        self.answer(200, {"transfer": "basic", "objects": objects})

    def store(self, oid):
        if hashlib.sha256(self.body).hexdigest() != oid:
            raise Refusal(400, "", "wrong hash")
        self.hub.objects[oid] = self.body
        self.hub.uploads.append(oid)
        self.answer(200)

    def commit(self, name, revision):
        self.writer()
        repository = self.repository(name)
        files, deleted = {}, set()
        for line in self.body.splitlines():
            item = json.loads(line)
            value = item["value"]
            if item["key"] == "header" and value.get("parentCommit") not in (None, repository.branches[revision]):
                raise Refusal(412, "", "A commit has happened since. Please refresh and try again.")
            if item["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            if item["key"] == "lfsFile":
                files[value["path"]] = self.hub.objects[value["oid"]]
            if item["key"] == "deletedFile":
                deleted.add(value["path"])
        files |= {path: b"!" + files[path][1:] for path in self.hub.garbling}
        done = repository.commit(files, revision, deleted)
        self.answer(200, {"commitUrl": f"{self.hub.address}/{name}/commit/{done}", "commitOid": done})

    def resolve(self, name, revision, path):
        repository, commit, files = self.files(name, revision)
        if repository.gated:
            raise Refusal(403, "GatedRepo", "Access to this model is restricted")
        if path not in files:
            raise Refusal(404, "EntryNotFound", "Entry not found")
        content = files[path]
        head = {"X-Repo-Commit": commit, "ETag": f'"{blob(content)}"'}
        if len(content) < self.hub.large:
            self.send_file(path, content, head)
            return
        oid = hashlib.sha256(content).hexdigest()
        self.hub.objects[oid] = content
        linked = {"X-Linked-Etag": f'"{oid}"', "X-Linked-Size": str(len(content))}
        self.answer(302, b"", {**head, **linked, "Location": f"{self.hub.storage}/cdn/{path}/{oid}"})

    def cdn(self, path, oid):
        self.send_file(path, self.hub.objects[oid], {"ETag": f'"{oid}"'})

    def send_file(self, path, content, headers):
        content = self.hub.swapped.get(path, content)
        if path in self.hub.breaking and self.command == "GET":
            began = "Range" in self.headers  # what is asked for again breaks off at once
            self.answer(
                206 if began else 200, b"" if began else content[: len(content) // 2], headers, length=len(content)
            )
            return
        self.answer(200, content, headers)

    def log_message(self, *_):
        pass


for _method in ("GET", "POST", "PUT", "HEAD"):
    setattr(Handler, f"do_{_method}", Handler.handle_any)


_REPO = r"([\w.-]+/[\w.-]+)"
ROUTES = [
    (rf"/api/models/{_REPO}", "GET", "info"),
    (rf"/api/models/{_REPO}/revision/(.+)", "GET", "info"),
    (r"/api/repos/create", "POST", "create"),
    (r"/api/validate-yaml", "POST", "validate"),
    (rf"/api/models/{_REPO}/preupload/(.+)", "POST", "preupload"),
    (rf"/{_REPO}\.git/info/lfs/objects/batch", "POST", "batch"),
    (r"/objects/(\w+)", "PUT", "store"),
    (rf"/api/models/{_REPO}/commit/(.+)", "POST", "commit"),
    *((rf"/{_REPO}/resolve/([^/]+)/(.+)", method, "resolve") for method in ("GET", "HEAD")),
    *((r"/cdn/([^/]+)/(\w+)", method, "cdn") for method in ("GET", "HEAD")),
]


class Served:
    """A hub while it answers, in a ``with`` block."""

    def __init__(self):
        self.hub = Hub()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.hub = self.hub
        self.server.daemon_threads = True
        self.hub.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.hub.storage = self.hub.address.replace("127.0.0.1", "localhost")  # another host, as far as a client knows
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self):
        self.thread.start()
        return self.hub

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
