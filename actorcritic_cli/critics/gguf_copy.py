"""A GGUF file written again with other metadata: the weights are copied as they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def copy_with(source: Path, target: Path, numbers: Mapping[str, float]) -> Path:
    """Write a copy of a file in which these metadata are 32-bit numbers of this value; all others stay as they are.

    It is written whole or not at all. Raises ``OSError``.
    """
    import gguf
    from gguf.constants import GGUFValueType, Keys

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
            writer.add_tensor_info(
                tensor.name, tensor.data.shape, tensor.data.dtype, tensor.data.nbytes, tensor.tensor_type
            )
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for tensor in reader.tensors:
            writer.write_tensor_data(tensor.data, tensor_endianess=reader.endianess)
        writer.close()
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target
