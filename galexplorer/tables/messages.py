"""The messages of an Arrow IPC file, whose sizes are told before anything is unpacked.

Each is a flatbuffer that says where its buffers lie, and the buffers (Apache Arrow's columnar
format 1.5, "Serialization and interprocess communication"). Where they are compressed, each begins
with its unpacked size.
"""

import struct

import pyarrow as pa

_RECORD_BATCH, _DICTIONARY_BATCH = 3, 2
_HEADER_TYPE, _HEADER = 1, 2  # fields of a message
_BUFFERS, _COMPRESSION = 2, 3  # of a record batch
_DATA = 1  # of a dictionary batch


def unpacked_bytes(file: pa.Buffer) -> int:
    """Return what all buffers of a stream of messages hold when unpacked.

    Parameters
    ----------
    file : pyarrow.Buffer
        From the first message on.

    Returns
    -------
    int
        Bytes, as the buffers themselves say.

    Raises
    ------
    pyarrow.ArrowInvalid
        If a message is damaged.
    """
    total = 0
    reader = pa.ipc.MessageReader.open_stream(pa.BufferReader(file))
    while True:
        try:
            message = reader.read_next_message()
        except StopIteration:
            return total
        total += _unpacked(message)


def _unpacked(message: pa.ipc.Message) -> int:
    data = message.metadata.to_pybytes()
    root = struct.unpack_from("<I", data)[0]
    kind = _field(data, root, _HEADER_TYPE)
    batch = _follow(data, _field(data, root, _HEADER))
    if not kind or not batch or data[kind] not in (_RECORD_BATCH, _DICTIONARY_BATCH):
        return 0
    if data[kind] == _DICTIONARY_BATCH:
        batch = _follow(data, _field(data, batch, _DATA))
    buffers = _follow(data, _field(data, batch, _BUFFERS)) if batch else 0
    if not buffers:
        return 0
    packed = bool(_field(data, batch, _COMPRESSION))
    body, total = message.body, 0
    for k in range(struct.unpack_from("<I", data, buffers)[0]):
        offset, length = struct.unpack_from("<qq", data, buffers + 4 + 16 * k)
        if not 0 <= offset <= offset + length <= len(body):
            raise pa.ArrowInvalid("a buffer lies outside its message")
        if packed and length >= 8:
            # -1 stands for a buffer that was left as it was
            declared = struct.unpack("<q", body.slice(offset, 8).to_pybytes())[0]
            total += max(declared, length)
        else:
            total += length
    return total


def _field(data: bytes, table: int, number: int) -> int:
    """Return where a field of a flatbuffer's table lies, 0 where it is at its default."""
    vtable = table - struct.unpack_from("<i", data, table)[0]
    if 4 + 2 * number >= struct.unpack_from("<H", data, vtable)[0]:
        return 0
    offset = struct.unpack_from("<H", data, vtable + 4 + 2 * number)[0]
    return table + offset if offset else 0


def _follow(data: bytes, place: int) -> int:
    """Return where a reference points, 0 for none."""
    return place + struct.unpack_from("<I", data, place)[0] if place else 0
