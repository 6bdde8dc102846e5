"""Whether two DICOM files hold the same data set, and pydicom's sample files that can be sent."""

import hashlib
import warnings
from pathlib import Path

import pydicom

SAMPLES = Path(pydicom.__file__).parent / "data"

_UIDS = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
# The preamble, "DICM", and (0002,0000) UL with the length of what follows it.
_META_LENGTH = 128 + 4 + 8
_META_BEGIN = _META_LENGTH + 4


def data_set_bytes(path):
    """What follows the file meta information, as it stands in the file."""
    content = Path(path).read_bytes()
    if content[128:132] != b"DICM":
        raise ValueError(f"{path} has no file meta information")
    return content[_META_BEGIN + int.from_bytes(content[_META_LENGTH:_META_BEGIN], "little"):]


def data_set_hash(path):
    return hashlib.sha256(data_set_bytes(path)).hexdigest()


def read(path, **options):
    """The data set; what is odd about a sample file is the point of having it, not worth a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(path, **options)


def transfer_syntax(path):
    return str(read(path, stop_before_pixels=True).file_meta.TransferSyntaxUID)


def sop_instance_uid(path):
    return str(read(path, stop_before_pixels=True).SOPInstanceUID)


def samples():
    """The sample files that carry the four UIDs, so that a C-STORE of them makes sense."""
    found = []
    for folder in ("test_files", "charset_files"):
        for path in sorted(path for path in (SAMPLES / folder).rglob("*") if path.is_file()):
            try:
                header = read(path, stop_before_pixels=True)
            except Exception:  # whatever pydicom says about a file that is none: it is not one of ours
                continue
            if all(header.get(keyword) for keyword in _UIDS):
                found.append(path)
    return found


def rounds_without_repeated_uids(paths):
    """The files in as few lists as possible, none with the same SOP Instance UID twice."""
    rounds = []
    for path in paths:
        uid = sop_instance_uid(path)
        taken = next((group for group in rounds if uid not in group), None)
        if taken is None:
            taken = {}
            rounds.append(taken)
        taken[uid] = path
    return rounds
