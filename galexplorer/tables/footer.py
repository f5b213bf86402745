"""How many values the columns of a Parquet file have, read from its footer.

pyarrow has no other way to them than `RowGroupMetaData.column`, which ends the process where the
footer is damaged: an exception of C++ that it does not pass on. The footer is a structure of
Thrift's compact protocol (github.com/apache/thrift, doc/specs/thrift-compact-protocol.md), whose
fields are numbered in parquet-format's parquet.thrift.
"""

import struct
from dataclasses import dataclass
from typing import Any, BinaryIO

_GROUPS, _CHUNKS, _CHUNK_META, _VALUES, _PATH = 4, 1, 3, 5, 3  # numbers of fields
_MAX_DEPTH = 32
_TAIL = 8  # length of the footer, and the letters PAR1


def count_values(stream: BinaryIO) -> dict[str, int]:
    """Return how many values each column has, by its name.

    Parameters
    ----------
    stream : BinaryIO
        Of a Parquet file; it may end anywhere.

    Returns
    -------
    dict of str to int

    Raises
    ------
    ValueError, IndexError, TypeError, KeyError, AttributeError
        If the footer is damaged.
    """
    end = stream.seek(-_TAIL, 2)
    length = struct.unpack("<I", stream.read(4))[0]
    if length > end:
        raise ValueError("the footer is longer than the file")
    stream.seek(end - length)
    footer = _Reader(stream.read(length)).structure()
    found: dict[str, int] = {}
    for group in footer[_GROUPS]:
        for chunk in group[_CHUNKS]:
            own = chunk[_CHUNK_META]
            name = own[_PATH][0].decode()
            found[name] = found.get(name, 0) + max(int(own[_VALUES]), 0)
    return found


@dataclass
class _Reader:
    """A place in bytes of the compact protocol."""

    data: bytes
    at: int = 0

    def structure(self, depth: int = 0) -> dict[int, Any]:
        if depth > _MAX_DEPTH:
            raise ValueError("the footer is nested too deeply")
        fields, number = {}, 0
        while (head := self._byte()) != 0:
            number = number + (head >> 4) if head >> 4 else self._integer()
            kind = head & 15
            fields[number] = kind == 1 if kind in (1, 2) else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:  # noqa: ANN401
        if kind in (1, 2, 3):
            return self._byte()
        if kind in (4, 5, 6):
            return self._integer()
        if kind == 7:
            return self._take(8)
        if kind == 8:
            return self._take(self._varint())
        if kind in (9, 10):
            head = self._byte()
            size = self._varint() if head >> 4 == 15 else head >> 4
            return [self._value(head & 15, depth + 1) for _ in range(self._bounded(size))]
        if kind == 12:
            return self.structure(depth + 1)
        raise ValueError("the footer holds what no footer does")

    def _byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def _take(self, size: int) -> bytes:
        self.at += self._bounded(size)
        return self.data[self.at - size : self.at]

    def _bounded(self, size: int) -> int:
        if size > len(self.data) - self.at:
            raise ValueError("the footer is cut short")
        return size

    def _integer(self) -> int:
        value = self._varint()
        return value >> 1 ^ -(value & 1)

    def _varint(self) -> int:
        value = shift = 0
        while shift < 70:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
        raise ValueError("the footer has a number without end")
