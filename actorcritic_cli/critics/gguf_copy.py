"""A GGUF file written again with other metadata, or with some tensors in another form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct


class Rewrite(Struct, frozen=True):
    """Another form for tensors of one type: the type they get, and how their bytes change.

    ``convert`` takes and returns an array of bytes, shape (rows, bytes of a row). ``grows`` gives bytes after and before.
    """

    kind: int
    convert: Callable[[Any], Any]
    grows: tuple[int, int]


def copy_with(
    source: Path,
    target: Path,
    numbers: Mapping[str, float] | None = None,
    rewrites: Mapping[int, Rewrite] | None = None,
) -> Path:
    """Write a copy of a file in which these metadata are 32-bit numbers of this value, and tensors of these types are
    rewritten; all else stays as it is.

    It is written whole or not at all. Raises ``OSError``.
    """
    import gguf
    from gguf.constants import GGMLQuantizationType, GGUFValueType, Keys

    numbers, rewrites = numbers or {}, rewrites or {}
    reader = gguf.GGUFReader(source)
    architecture = reader.fields[Keys.General.ARCHITECTURE].contents()
    part = target.with_name(f"{target.name}.part")
    writer = gguf.GGUFWriter(part, arch=architecture, endianess=reader.endianess)
    alignment = reader.fields.get(Keys.General.ALIGNMENT)
    if alignment is not None:
        writer.data_alignment = alignment.contents()
    try:
        for field in reader.fields.values():
            if field.name == Keys.General.ARCHITECTURE or field.name.startswith("GGUF.") or field.name in numbers:
                continue
            kind = field.types[0]
            inner = field.types[-1] if kind == GGUFValueType.ARRAY else None
            value = field.contents()
            if value is not None:
                writer.add_key_value(field.name, value, kind, sub_type=inner)
        for name, number in numbers.items():
            writer.add_key_value(name, number, GGUFValueType.FLOAT32)
        for tensor in reader.tensors:
            shape, size, kind = list(tensor.data.shape), tensor.data.nbytes, tensor.tensor_type
            change = rewrites.get(int(kind))
            if change is not None:
                after, before = change.grows
                shape[-1], size = shape[-1] * after // before, size * after // before
                kind = GGMLQuantizationType(change.kind)
            writer.add_tensor_info(tensor.name, shape, tensor.data.dtype, size, kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for tensor in reader.tensors:
            change = rewrites.get(int(tensor.tensor_type))
            data = tensor.data if change is None else change.convert(tensor.data)
            writer.write_tensor_data(data, tensor_endianess=reader.endianess)
        writer.close()
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target
