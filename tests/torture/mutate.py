"""Mutations of valid files: of any bytes, and of the parts that a format is made of, within right checksums."""

import copy
import gzip
import io
import json
import pickletools
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from random import Random

import numpy as np

Mutate = Callable[[Random, bytes], bytes]

_NUMBERS = (0, 1, 2, 127, 128, 255, 256, 32_767, 65_535, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)
_ATTACKS = (
    b"cos\nsystem\n(S'exit 3'\ntR.",
    b"cbuiltins\neval\n(S'1/0'\ntR.",
    b"c__builtin__\nexec\n(S'raise SystemExit'\ntR.",
    b"cnumpy\nload\n(S'/etc/passwd'\ntR.",
    b"cnumpy.core.multiarray\n_reconstruct\n",
    b"cnumpy\ndtype\n(S'O8'\nK\x00K\x01tR.",
    b"c_io\nopen\n(S'/tmp/linclf-canary'\nS'w'\ntR.",
    b"\x8c\x02os\x8c\x06system\x93\x8c\x06exit 3\x85R.",
    *(b"r\xff\xff\xff\x7f", b"T\xff\xff\xff\x7f", b"(" * 5000, b"]" * 5000, b"\x85" * 5000),
)
_NAMES = ("../escape", "/tmp/linclf-canary", "a/../../b", "\x1b[31mred\nline", "é" * 200, "", ".", "x" * 300)
_LITERALS = (
    *(None, True, False, 0, -1, 1, 2**31, 10**400, 1e308, -0.0, 0.5),
    *("", "0", "\u2028", "\x1b[2J", [], [1], {}, {"a": 1}),
)
_DTYPES = "<f4 <f8 >f8 <f2 <f16 |u1 <i8 <u4 <c16 |O <M8[s] |V3 <U3 |S0 <U0 |b1 nonsense"


def flipped(rng: Random, content: bytes) -> bytes:
    """One to four edits at random places: bits, bytes, whole numbers, cuts, splices, repeats."""
    new = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        # Half of the edits fall on what is at the beginning, where headers are.
        at = rng.randrange(max(1, min(len(new), 200) if rng.random() < 0.5 else len(new)))
        to, length, size = rng.randrange(len(new) + 1), rng.choice((1, 2, 4, 16, 100, 1000)), rng.choice((2, 4, 8))
        chunk = bytes(new[at : at + length])
        start, end, put = rng.choice(
            (
                (at, at + 1, bytes(byte ^ 1 << rng.randrange(8) for byte in chunk[:1])),
                (at, at + 1, bytes([rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))])),
                (at, at + size, (rng.choice(_NUMBERS) % 256**size).to_bytes(size, rng.choice(("little", "big")))),
                (at, len(new), b""),
                (at, at + length, b""),
                (at, at, chunk * rng.choice((1, 2, 50))),
                (to, to + len(chunk), chunk),
                (at, at, rng.randbytes(length)),
            )
        )
        new[start:end] = put
    return bytes(new)


def pickled(rng: Random, content: bytes) -> bytes:
    """Of a pickle: an opcode exchanged, repeated, left out or followed by an attack, or any bytes."""
    try:
        starts = [at for _, _, at in pickletools.genops(content)]
    except Exception:  # it was mutated before
        starts = []
    if not starts or rng.random() < 1 / 6:
        return flipped(rng, content)
    i = rng.randrange(len(starts))
    at, end = [*starts, len(content)][i : i + 2]
    opcode = rng.choice(pickletools.opcodes).code.encode("latin-1") + content[at + 1 : end]
    repeated, attack = content[at:end] * rng.choice((2, 3, 1000)), rng.choice(_ATTACKS)
    new = rng.choice((opcode, repeated, b"", attack + content[at:end], content[at:end] + attack))
    return content[:at] + new + content[end:]


def gzipped(inner: Mutate) -> Mutate:
    """Of a gzipped file: what is inside, compressed anew; or the gzipped bytes themselves."""

    def mutate(rng: Random, content: bytes) -> bytes:
        if rng.random() < 0.3:
            return flipped(rng, content)
        return gzip.compress(inner(rng, gzip.decompress(content)), 1, mtime=0)

    return mutate


def tarred(rng: Random, content: bytes) -> bytes:
    """Of a tar file: a member's content or its header, or any bytes, with the headers' checksums right again."""
    if rng.random() < 0.3:
        return _checksummed(flipped(rng, content))
    with tarfile.open(fileobj=io.BytesIO(content)) as file:
        members = [(member, file.extractfile(member).read()) for member in file]
    victim, names = rng.randrange(len(members)), (*_NAMES, rng.choice(members)[0].name)
    member, inside = members[victim]
    match rng.randrange(6):
        case 0:
            member.name = rng.choice((*names, f"./{member.name}", f"{member.name}/"))
        case 1:
            member.type, member.linkname = bytes([rng.choice(b"01234567SxgLKZ")]), rng.choice(names)
        case 2:
            key = rng.choice(("path", "size", "linkpath", "GNU.sparse.size"))
            member.pax_headers = {key: rng.choice(("-1", "9" * 30, "/x"))}
        case 3:
            member.size = rng.choice((*_NUMBERS[:12], len(inside) + rng.randint(-600, 600)))
        case 4:
            inside = pickled(rng, inside)
        case 5:
            inside = flipped(rng, inside)
    if rng.random() < 0.7 and member.type == tarfile.REGTYPE:
        member.size = len(inside)
    members[victim] = member, inside
    if rng.random() < 0.2:
        members.insert(rng.randrange(len(members)), copy.copy(rng.choice(members)))
    made = b""
    for info, data in members:
        try:
            header = info.tobuf(tarfile.PAX_FORMAT)
        except (ValueError, UnicodeError):
            header = tarfile.TarInfo("unfit").tobuf()
        made += header + data + bytes(-len(data) % tarfile.BLOCKSIZE)
    return made + bytes(2 * tarfile.BLOCKSIZE)


def _checksummed(content: bytes) -> bytes:
    """With the checksum of each block that looks like a header made right."""
    new = bytearray(content)
    for at in range(0, len(new) - 511, tarfile.BLOCKSIZE):
        block = new[at : at + 512]
        if block[257:262] == b"ustar":
            new[at + 148 : at + 156] = b"%06o\0 " % (256 + sum(block[:148]) + sum(block[156:]))
    return bytes(new)


def zipped(rng: Random, content: bytes) -> bytes:
    """Of an .npz file: a member's .npy header or data, with right checksums; its name; or any bytes."""
    if rng.random() < 0.3:
        return flipped(rng, content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    victim = rng.randrange(len(members))
    name, inside = members[victim]
    match rng.randrange(4):
        case 0:
            inside = flipped(rng, inside)
        case 1 | 2:
            inside = _reheaded(rng, inside)
        case 3:
            name = rng.choice((rng.choice(members)[0], name.removesuffix(".npy"), *_NAMES))
    members[victim] = name or "empty", inside
    file, method = io.BytesIO(), rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, inside in members:
            archive.writestr(zipfile.ZipInfo(name), inside)
    return file.getvalue()


def _reheaded(rng: Random, content: bytes) -> bytes:
    """An .npy file whose header says another type, shape or order."""
    array, number = np.load(io.BytesIO(content)), rng.choice(_NUMBERS)
    turned = (array.shape[::-1], (*array.shape, 1), array.shape[1:])
    numbers = ((-1,), (number, number), (0, number), (number, 0, 3), (1.5,), (True, 2))
    header = {
        "descr": rng.choice((rng.choice((*_DTYPES.split(), [("a", "<f4")])), array.dtype.str)),
        "fortran_order": rng.choice((False, True, 0, "x")),
        "shape": rng.choice((rng.choice((*turned, *numbers, "x", None)), array.shape)),
    }
    whole, more = repr(header), repr({**header, "more": 1})
    text = rng.choice((whole, whole[:-2], more, "(" * 3000, "__import__('os').system('exit 3')"))
    encoded = (text + " " * rng.randrange(64) + "\n").encode("latin-1")
    version = rng.choice((b"\1\0", b"\1\0", b"\2\0", b"\3\0", b"\x09\x09"))
    size = struct.pack("<H" if version == b"\1\0" else "<I", len(encoded))
    return b"\x93NUMPY" + version + size + encoded + (array.tobytes() if rng.random() < 0.7 else rng.choice(_ATTACKS))


def png(rng: Random, content: bytes) -> bytes:
    """Of a PNG: any bytes, with the chunks' checksums right again; of any other image, any bytes."""
    new, at = bytearray(flipped(rng, content)), 8
    while rng.random() < 0.95 and new[1:4] == b"PNG":
        end = at + 8 + int.from_bytes(new[at : at + 4], "big")
        if end + 4 > len(new):
            break
        new[end : end + 4] = zlib.crc32(new[at + 4 : end]).to_bytes(4, "big")
        at = end + 4
    return bytes(new)


def json_text(rng: Random, content: bytes) -> bytes:
    """Of a JSON document: one to three values replaced, left out or moved; or any bytes."""
    if rng.random() < 0.2:
        return flipped(rng, content)
    if rng.random() < 0.02:
        return b"[" * 100_000
    document = json.loads(content)
    for _ in range(rng.randint(1, 3)):
        places = list(_places(document))
        # As often a place near the top, where there are few, as one in the lists of numbers, where most are.
        depth = rng.choice(sorted({depth for _, _, depth in places}))
        holder, key, _ = rng.choice([place for place in places if place[2] == depth])
        other, other_key, _ = rng.choice(places)
        if rng.random() < 0.25:
            del holder[key]
        else:
            holder[key] = copy.deepcopy(rng.choice((other[other_key], rng.choice(_LITERALS), rng.choice(_LITERALS))))
        if not document:
            break
    text = json.dumps(document)
    if rng.random() < 0.05:
        text = text.replace("1", rng.choice(("NaN", "Infinity", "1e999", "9" * 5000)), 1)
    return text.encode()


def _places(value, depth=0):
    """(container, key, depth) of every value in a JSON document."""
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key, depth
        yield from _places(value[key], depth + 1)
