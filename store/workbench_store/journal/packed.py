"""Journals of runs that are long over, compressed: `X.wbj` becomes `X.wbj.gz`, which is read from any offset.

The file is a row of gzip members, each of MEMBER_BYTES of the journal (the last one of what is left), so that any gzip
program unpacks it. Each member's head tells its own length and the journal's bytes in it (an extra field named "WB"),
so that a reader hops from head to head and unpacks only what it needs. Offsets are always those of the journal as it
was written: callers name its plain path and never see which of the two is there.

    offset  size  field of a member
    0       10    gzip: 1F 8B, method 8, flags 4 (extra field), time 0, extra flags 0, system 255
    10      6     length of the extra field (12), "WB", length of what follows (8)
    16      4     length of the whole member in bytes, little-endian
    20      4     bytes of the journal in it
    24      n     deflated bytes, then gzip's CRC-32 and length (4 and 4)
"""

import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from workbench_store.faults import fault
from workbench_store.locks import lock_while_open

SUFFIX = ".wbj"
PACKED_SUFFIX = SUFFIX + ".gz"
MEMBER_BYTES = 1024 * 1024
_MARK = bytes.fromhex("1f8b0804 00000000 00ff 0c00 5742 0800")
_LENGTHS = struct.Struct("<II")
_HEAD_BYTES = len(_MARK) + _LENGTHS.size
_TAIL = struct.Struct("<II")
_LEVEL = 6
_SALVAGE_BYTES = 1024


class _Member(NamedTuple):
    """Where a member's deflated bytes are in the file, and which stretch of the journal they hold."""

    body: int
    size: int
    start: int
    length: int


def journals_in(folder: str | Path) -> list[tuple[str, int]]:
    """The name (as written, `X.wbj`) and the size in bytes of each journal of a folder; empty when there is none.

    A compressed one that cannot be read has the size of its file. Raises OSError for a folder that cannot be read.
    """
    found: dict[str, int] = {}
    packed = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(SUFFIX) and entry.is_file(follow_symlinks=False):
                    found[entry.name] = entry.stat().st_size
                elif entry.name.endswith(PACKED_SUFFIX) and entry.is_file(follow_symlinks=False):
                    packed.append(entry.path)
    except (FileNotFoundError, NotADirectoryError):
        return []
    for path in packed:
        # Where both are there, packing was cut short just before its end: the plain one counts.
        name = os.path.basename(path)[: -len(PACKED_SUFFIX)] + SUFFIX
        if name not in found:
            try:
                found[name] = _size_of(path)
            except FileNotFoundError:
                continue  # removed meanwhile
    return list(found.items())


def journal_size(path: Path) -> int:
    """The size of the journal in bytes, as it was written. Raises OSError."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return _packed_size(packed_path(path))


def sizes_of(path: Path) -> tuple[int, int]:
    """The sizes in bytes of what a journal's plain form has and its compressed one, either of which may be missing (0)
    or be unreadable (0): of a copy that was brought up to date both may be there, with more in the one or the other."""
    plain = packed = 0
    with suppress(OSError):
        plain = path.stat().st_size
    with suppress(OSError):
        packed = _packed_size(packed_path(path))
    return plain, packed


def read_journal(path: Path, offset: int, most: int) -> bytes:
    """Up to `most` bytes of the journal from `offset`; damage in a compressed one is zeros. Raises OSError."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(most)
    except FileNotFoundError:
        with packed_path(path).open("rb") as file:
            return _read_packed(file, offset, most)


def packed_path(path: Path) -> Path:
    """Where the compressed form of the journal at `path` is, or would be."""
    return path.with_name(path.name + PACKED_SUFFIX[len(SUFFIX) :])


def pack(path: Path) -> bool:
    """Put the compressed form in the journal's place; False when a writer has it open, or it is gone.

    The plain file goes only when the compressed one is on the disk and was read back and found equal, so this may be
    killed anywhere. Raises OSError, on a full disk for one; then all is as before.
    """
    try:
        plain = path.open("rb")
    except FileNotFoundError:
        return False
    with plain:
        # The name is looked at again under the lock: another process may have finished the same work meanwhile.
        if not lock_while_open(plain.fileno()) or not _is_at(plain, path):
            return False
        part = path.with_name(path.name + ".gz.part")
        try:
            _write_packed(plain, part)
            if not _holds_the_same(part, plain):
                raise OSError(f"{part} reads otherwise than it was written")
            before = os.fstat(plain.fileno())
            os.utime(part, ns=(before.st_atime_ns, before.st_mtime_ns))
            fault("pack.written")
            part.replace(packed_path(path))
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
        fault("pack.renamed")
        path.unlink()
        fault("pack.removed")
    return True


def _is_at(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _write_packed(plain: BinaryIO, part: Path) -> None:
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_CLOEXEC", 0), 0o600)
    with os.fdopen(descriptor, "wb") as file:
        while data := plain.read(MEMBER_BYTES):
            file.write(_member(data))
        file.flush()
        os.fsync(file.fileno())


def _member(data: bytes) -> bytes:
    deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = deflate.compress(data) + deflate.flush()
    lengths = _LENGTHS.pack(_HEAD_BYTES + len(body) + _TAIL.size, len(data))
    return b"".join((_MARK, lengths, body, _TAIL.pack(zlib.crc32(data), len(data))))


def _holds_the_same(part: Path, plain: BinaryIO) -> bool:
    plain.seek(0)
    with part.open("rb") as file:
        for member in _members(file):
            if _unpacked(file, member) != plain.read(member.length):
                return False
    return not plain.read(1)


def _size_of(path: str) -> int:
    try:
        return _packed_size(path)
    except PermissionError:
        return os.stat(path).st_size


def _packed_size(path: str | Path) -> int:
    with open(path, "rb") as file:
        return sum(member.length for member in _members(file))


def _read_packed(file: BinaryIO, offset: int, most: int) -> bytes:
    pieces = []
    end = offset + most
    for member in _members(file):
        if member.start >= end:
            break
        if member.start + member.length > offset:
            data = _unpacked(file, member)
            pieces.append(data[max(0, offset - member.start) : end - member.start])
    return b"".join(pieces)


def _members(file: BinaryIO) -> Iterator[_Member]:
    """Each member in turn. From a damaged head the next one is looked for: what it held is a gap, not the end."""
    at = start = 0
    whole = file.seek(0, os.SEEK_END)
    while at < whole:
        file.seek(at)
        head = file.read(_HEAD_BYTES)
        size, length = _LENGTHS.unpack_from(head, len(_MARK)) if len(head) == _HEAD_BYTES else (0, 0)
        if not head.startswith(_MARK) or not 0 < length <= MEMBER_BYTES or size <= _HEAD_BYTES + _TAIL.size:
            size, length = _next_mark(file, at + 1, whole) - at, MEMBER_BYTES
        yield _Member(at + _HEAD_BYTES, size - _HEAD_BYTES - _TAIL.size, start, length)
        at, start = at + size, start + length


def _next_mark(file: BinaryIO, at: int, whole: int) -> int:
    """Where the next member begins; the end of the file if none does."""
    file.seek(at)
    rest = file.read()
    found = rest.find(_MARK)
    return whole if found < 0 else at + found


def _unpacked(file: BinaryIO, member: _Member) -> bytes:
    """What the member holds. Damage inside leaves what comes before it, and zeros up to the length.

    The journal's records have checksums of their own, so gzip's is left to gzip.
    """
    file.seek(member.body)
    body = file.read(max(0, member.size))
    try:
        data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(body, member.length)
    except zlib.error:
        data = _salvage(body, member.length)
    return data[: member.length].ljust(member.length, b"\x00")


def _salvage(body: bytes, length: int) -> bytes:
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    data = bytearray()
    for at in range(0, len(body), _SALVAGE_BYTES):
        try:
            data += inflate.decompress(body[at : at + _SALVAGE_BYTES], max(1, length - len(data)))
        except zlib.error:
            break
        if len(data) >= length:
            break
    return bytes(data)


def _sync_folder(folder: Path) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return  # Windows opens no folders
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
