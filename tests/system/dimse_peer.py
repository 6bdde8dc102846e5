"""A storage peer in a few lines that answers each C-STORE as a test tells it, which no program of DCMTK does."""

import io
import socket
import struct
import threading

import pydicom

ASSOCIATE_RQ, ASSOCIATE_AC, DATA, RELEASE_RQ, RELEASE_RP = 1, 2, 4, 5, 6
_COMMAND, _LAST = 1, 2  # bits of the message control header (PS3.8 §E.2)
_NO_DATA_SET = 0x0101
_N_ACTION = 0x0130


class DimsePeer:
    """Accepts every association and every context; `answer(number, uid)` gives the status of the n-th C-STORE. With
    `commit` it is asked for storage commitment: `commit(uids)` gives those that it does not keep, and None says nothing
    at all. The report comes on the same association. `comment` is the Error Comment of each answer."""

    def __init__(self, test, answer, commit=None, comment=b""):
        self._answer, self._commit, self._comment = answer, commit, comment
        self.asked = []  # SOP Instance UIDs of each request for commitment
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.received = []  # SOP Instance UIDs in the order in which they came
        test.addCleanup(self._listener.close)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # closed: the test is over
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            message = {_COMMAND: b"", 0: b""}
            while True:
                header = _read(connection, 6)
                if header is None:
                    return
                body = _read(connection, int.from_bytes(header[2:6], "big"))
                if header[0] == ASSOCIATE_RQ:
                    connection.sendall(_pdu(ASSOCIATE_AC, _acceptance(body)))
                elif header[0] == RELEASE_RQ:
                    connection.sendall(_pdu(RELEASE_RP, bytes(4)))
                elif header[0] == DATA:
                    for context, control, fragment in _values(body):
                        message[control & _COMMAND] += fragment
                        if control == _LAST:
                            connection.sendall(self._answer_to(context, _elements(message[_COMMAND]), message[0]))
                            message = {_COMMAND: b"", 0: b""}
                        elif control == _COMMAND | _LAST and _is_response(message[_COMMAND]):
                            message = {_COMMAND: b"", 0: b""}
                else:
                    return

    def _answer_to(self, context, request, data_set):
        if struct.unpack("<H", request[0x0100])[0] == _N_ACTION:
            return self._commitment(context, request, data_set)
        return self._response(context, request)

    def _commitment(self, context, request, data_set):
        """The response to the N-ACTION and, unless it is to be silent, the N-EVENT-REPORT (PS3.4 annex J)."""
        asked = pydicom.dcmread(io.BytesIO(data_set), force=True)
        uids = [item.ReferencedSOPInstanceUID for item in asked.ReferencedSOPSequence]
        self.asked.append(uids)
        answer = _command(context, (0x0002, request[0x0003]), (0x0100, _us(0x8130)), (0x0120, request[0x0110]),
                          (0x0800, _us(_NO_DATA_SET)), (0x0900, _us(0)), (0x1000, request[0x1001]))
        lost = self._commit(uids)
        if lost is None:
            return answer
        report = pydicom.Dataset()
        report.TransactionUID = asked.TransactionUID
        kept = [item for item in asked.ReferencedSOPSequence if item.ReferencedSOPInstanceUID not in lost]
        report.ReferencedSOPSequence = pydicom.Sequence(kept)
        failed = [item for item in asked.ReferencedSOPSequence if item.ReferencedSOPInstanceUID in lost]
        for item in failed:
            item.FailureReason = 0x0112
        if failed:
            report.FailedSOPSequence = pydicom.Sequence(failed)
        content = io.BytesIO()
        is_implicit = asked.is_implicit_VR
        report.is_implicit_VR, report.is_little_endian = is_implicit, True
        pydicom.filewriter.write_dataset(DicomBytes(content, is_implicit), report)
        event = _command(context, (0x0002, request[0x0003]), (0x0100, _us(0x0100)), (0x0110, _us(1)),
                         (0x0800, _us(1)), (0x1000, request[0x1001]), (0x1002, _us(2 if failed else 1)))
        body = content.getvalue()
        return answer + event + _pdu(DATA, struct.pack(">LBB", len(body) + 2, context, _LAST) + body)

    def _response(self, context, request):
        uid = request[0x1000].rstrip(b"\0").decode()
        self.received.append(uid)
        status = self._answer(len(self.received), uid)
        comment = [(0x0902, self._comment + b" " * (len(self._comment) % 2))] if self._comment else []
        return _command(context, (0x0002, request[0x0002]), (0x0100, _us(0x8001)), (0x0120, request[0x0110]),
                        (0x0800, _us(_NO_DATA_SET)), (0x0900, _us(status)), *comment, (0x1000, request[0x1000]))


def DicomBytes(content, is_implicit):
    stream = pydicom.filebase.DicomFileLike(content)
    stream.is_little_endian, stream.is_implicit_VR = True, is_implicit
    return stream


def _us(number):
    return struct.pack("<H", number)


def _is_response(command):
    return struct.unpack("<H", _elements(command)[0x0100])[0] & 0x8000 != 0


def _command(context, *elements):
    command = b"".join(_element(number, value) for number, value in elements)
    command = _element(0x0000, struct.pack("<L", len(command))) + command
    return _pdu(DATA, struct.pack(">LBB", len(command) + 2, context, _COMMAND | _LAST) + command)


def _read(connection, count):
    content = b""
    while len(content) < count:
        try:
            part = connection.recv(count - len(content))
        except OSError:
            return None
        if not part:
            return None
        content += part
    return content


def _pdu(kind, body):
    return struct.pack(">BBL", kind, 0, len(body)) + body


def _item(kind, body):
    return struct.pack(">BBH", kind, 0, len(body)) + body


def _items(body):
    at = 0
    while at < len(body):
        kind, _, length = struct.unpack_from(">BBH", body, at)
        yield kind, body[at + 4:at + 4 + length]
        at += 4 + length


def _acceptance(request):
    """The first transfer syntax of every proposed context (PS3.8 §9.3.3)."""
    fixed, answer = request[:68], b""
    for kind, body in _items(request[68:]):
        if kind == 0x10:
            answer += _item(kind, body)
        elif kind == 0x20:
            syntax = next(content for item, content in _items(body[4:]) if item == 0x40)
            answer += _item(0x21, bytes([body[0], 0, 0, 0]) + _item(0x40, syntax))
    user = _item(0x51, struct.pack(">L", 32768)) + _item(0x52, b"1.2.3.4")
    return fixed + answer + _item(0x50, user)


def _values(body):
    """Context, control header and content of each presentation data value of a P-DATA-TF (PS3.8 §9.3.5)."""
    at = 0
    while at < len(body):
        length, context, control = struct.unpack_from(">LBB", body, at)
        yield context, control, body[at + 6:at + 4 + length]
        at += 4 + length


def _element(number, value):
    return struct.pack("<HHL", 0x0000, number, len(value)) + value


def _elements(command):
    """Element number → value of a command set, which is implicit little endian (PS3.7 §6.3.1)."""
    found, at = {}, 0
    while at < len(command):
        _, number, length = struct.unpack_from("<HHL", command, at)
        found[number] = command[at + 8:at + 8 + length]
        at += 8 + length
    return found
