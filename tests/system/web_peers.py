"""Servers that targets of other kinds than DICOM deliver to, in a few lines each: they check what a real one checks,
and misbehave when a test tells them to."""

import base64
import hashlib
import hmac
import io
import json
import re
import threading
import urllib.parse
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Peer:
    """An HTTP server on a free port of this machine. `handle(handler, method, path, query, body)` answers a request."""

    def __init__(self, test):
        peer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self, status, body=b"", **headers):
                body = body.encode() if isinstance(body, str) else body
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                if "Content_Length" not in headers:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def _dispatch(self):
                body = self._body()
                path, _, query = self.path.partition("?")
                peer.calls.append((self.command, self.path))
                peer.handle(self, self.command, urllib.parse.unquote(path),
                            dict(urllib.parse.parse_qsl(query, keep_blank_values=True)), body)

            def _body(self):
                if self.headers.get("Transfer-Encoding") == "chunked":
                    body = b""
                    while size := int(self.rfile.readline(), 16):
                        body += self.rfile.read(size)
                        self.rfile.readline()
                    self.rfile.readline()
                    return body
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _dispatch

        self.calls = []  # method and path of every request
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        test.addCleanup(self._server.server_close)
        test.addCleanup(self._server.shutdown)

    def handle(self, handler, method, path, query, body):
        raise NotImplementedError


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class S3(Peer):
    """A bucket in the path. Checks every signature and checksum by itself."""

    ACCESS, SECRET, REGION, BUCKET = "AKIDTEST", "very/secret+key", "eu-central-1", "images"

    def __init__(self, test):
        super().__init__(test)
        self.objects = {}  # key → content
        self.uploads = {}  # upload id → {number: content}
        self.fail_next = []  # statuses that the next PUTs get
        self.spoil = False  # keep something else than what came

    def handle(self, handler, method, path, query, body):
        problem = self._check(handler, method, query, body)
        if problem:
            return self._error(handler, 403, problem)
        _, bucket, key = path.split("/", 2)
        if bucket != self.BUCKET:
            return self._error(handler, 404, "NoSuchBucket")
        if method == "PUT" and self.fail_next:
            return self._error(handler, self.fail_next.pop(0), "SlowDown")
        if method == "POST" and "uploads" in query:
            upload = f"upload/{len(self.uploads)}+"
            self.uploads[upload] = {}
            return handler.answer(200, f"<R><UploadId>{upload}</UploadId></R>")
        if method == "POST":
            return self._complete(handler, key, query["uploadId"], body)
        if method == "PUT":
            if self.spoil:
                body = body[:-1]
            if "uploadId" in query:
                self.uploads[query["uploadId"]][int(query["partNumber"])] = body
            else:
                self.objects[key] = body
            return handler.answer(200, ETag=f'"{hashlib.md5(body).hexdigest()}"')
        if method == "DELETE":
            (self.uploads.pop(query["uploadId"], None) if "uploadId" in query else self.objects.pop(key, None))
            return handler.answer(204)
        if method == "HEAD":
            if key not in self.objects:
                return handler.answer(404)
            return handler.answer(200, Content_Length=str(len(self.objects[key])))
        return handler.answer(200, "<ListBucketResult/>")

    def _complete(self, handler, key, upload, body):
        parts = self.uploads.pop(upload)
        if any(len(part) < 5 << 20 for number, part in parts.items() if number != max(parts)):
            return handler.answer(400, "<Error><Code>EntityTooSmall</Code></Error>")
        listed = re.findall(rb"<PartNumber>(\d+)</PartNumber><ETag>\"(\w+)\"</ETag>", body)
        for number, etag in listed:
            if hashlib.md5(parts[int(number)]).hexdigest().encode() != etag:
                return self._error(handler, 400, "InvalidPart")
        self.objects[key] = b"".join(parts[int(number)] for number, _ in listed)
        return handler.answer(200, "<CompleteMultipartUploadResult/>")

    @staticmethod
    def _error(handler, status, code):
        handler.answer(status, f"<Error><Code>{code}</Code><Message>no</Message></Error>")

    def _check(self, handler, method, query, body):
        """The code of what is wrong with the signature, or None."""
        found = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, "
                             r"SignedHeaders=([\w;-]+), Signature=(\w{64})", handler.headers.get("Authorization", ""))
        if not found:
            return "AccessDenied"
        access, day, region, names, signature = found.groups()
        if access != self.ACCESS:
            return "InvalidAccessKeyId"
        if region != self.REGION:
            return "AuthorizationHeaderMalformed"
        if handler.headers["x-amz-content-sha256"] != hashlib.sha256(body).hexdigest():
            return "XAmzContentSHA256Mismatch"
        encode = lambda text: urllib.parse.quote(text, safe="-._~")
        canonical = "\n".join([
            method, handler.path.partition("?")[0],
            "&".join(f"{encode(name)}={encode(value)}" for name, value in sorted(query.items())),
            *[f"{name}:{handler.headers[name].strip()}" for name in names.split(";")], "", names,
            handler.headers["x-amz-content-sha256"]])
        scope = f"{day}/{region}/s3/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", handler.headers["x-amz-date"], scope,
                          hashlib.sha256(canonical.encode()).hexdigest()])
        key = f"AWS4{self.SECRET}".encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        expected = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        return None if hmac.compare_digest(expected, signature) else "SignatureDoesNotMatch"


class Xnat(Peer):
    """The import service of XNAT, with sessions."""

    USER, PASSWORD = "importer", "a secret word"

    def __init__(self, test):
        super().__init__(test)
        self.imports = []  # (query, {name: content})
        self.sessions = set()
        self.answer = "/data/archive/projects/P/experiments/E\r\n"

    def handle(self, handler, method, path, query, body):
        cookie = re.search(r"JSESSIONID=(\w+)", handler.headers.get("Cookie", ""))
        if path == "/data/JSESSION" and method == "GET":
            if handler.headers.get("Authorization") != basic(self.USER, self.PASSWORD):
                return handler.answer(401)
            session = f"S{len(self.sessions)}"
            self.sessions.add(session)
            return handler.answer(200, session)
        if not cookie or cookie.group(1) not in self.sessions:
            return handler.answer(401)
        if path == "/data/JSESSION":
            self.sessions.discard(cookie.group(1))
            return handler.answer(200)
        if path == "/data/services/import" and method == "POST":
            with zipfile.ZipFile(io.BytesIO(body)) as archive:
                self.imports.append((query, {name: archive.read(name) for name in archive.namelist()}))
            return handler.answer(200, self.answer)
        return handler.answer(404)


class Stow(Peer):
    """STOW-RS with a bearer token. `verdict(uid)` gives "stored", a warning or a failure reason for each instance."""

    TOKEN = "a-bearer-token"

    def __init__(self, test, verdict=lambda uid: "stored"):
        super().__init__(test)
        self.verdict = verdict
        self.requests = []  # instances of each request
        self.stored = {}  # SOP Instance UID → content
        self.next_statuses = []

    def handle(self, handler, method, path, query, body):
        if handler.headers.get("Authorization") != f"Bearer {self.TOKEN}":
            return handler.answer(401)
        if method != "POST" or path != "/pacs/stow/studies":
            return handler.answer(404)
        if self.next_statuses:
            return handler.answer(self.next_statuses.pop(0))
        kind = handler.headers["Content-Type"]
        if not kind.startswith('multipart/related; type="application/dicom"; boundary='):
            return handler.answer(415)
        boundary = b"\r\n--" + re.search(r"boundary=(\S+)", kind).group(1).encode()
        parts = (b"\r\n" + body).split(boundary)[1:-1]
        instances = [part.split(b"\r\n\r\n", 1)[1] for part in parts]
        self.requests.append(len(instances))
        stored, failed = [], []
        for content in instances:
            uid = _sop_instance_uid(content)
            verdict = self.verdict(uid)
            item = {"00081155": {"vr": "UI", "Value": [uid]}}
            if verdict == "stored" or verdict & 0xf000 == 0xb000:
                if verdict != "stored":
                    item["00081196"] = {"vr": "US", "Value": [verdict]}
                self.stored[uid] = content
                stored.append(item)
            else:
                item["00081197"] = {"vr": "US", "Value": [verdict]}
                failed.append(item)
        answer = {}
        if stored:
            answer["00081199"] = {"vr": "SQ", "Value": stored}
        if failed:
            answer["00081198"] = {"vr": "SQ", "Value": failed}
        status = 200 if not failed else 202 if stored else 409
        return handler.answer(status, json.dumps(answer), Content_Type="application/dicom+json")


def _sop_instance_uid(content):
    import pydicom
    return str(pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True).SOPInstanceUID)
