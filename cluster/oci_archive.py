"""Writes OCI image archives, as `ctr images import` reads them: the same content makes the same bytes."""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_MEDIA = "application/vnd.oci.image"


@dataclass(frozen=True)
class Image:
    """One image under several names. Layers are uncompressed tars, the lowest first; `config` is what an image's
    configuration says of its process, such as `{"Entrypoint": ["/pause"]}`."""

    names: Sequence[str]
    layers: Sequence[Path]
    config: Mapping[str, object] = field(default_factory=dict)


def write(archive: Path, architecture: str, images: Iterable[Image]) -> None:
    """Write the images; a layer that several of them have is there once. The architecture is in Go's words."""
    blobs: dict[str, bytes | Path] = {}
    entries = [entry for image in images for entry in _entries(image, architecture, blobs)]
    index = _json({"schemaVersion": 2, "mediaType": f"{_MEDIA}.index.v1+json", "manifests": entries})
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as out:
        _add(out, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
        _add(out, "index.json", index)
        for digest, blob in blobs.items():
            _add(out, f"blobs/{digest.replace(':', '/')}", blob)


def write_layer(target: Path, programs: Mapping[str, Path | bytes], links: Mapping[str, str] | None = None) -> Path:
    """A layer of executables by their paths, and of symlinks by theirs; returns the target."""
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as out:
        for name, content in programs.items():
            _add(out, name, content, mode=0o755)
        for name, to in (links or {}).items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, to
            out.addfile(entry)
    return target


def _entries(image: Image, architecture: str, blobs: dict[str, bytes | Path]) -> list[dict[str, Any]]:
    layers = [_described(f"{_MEDIA}.layer.v1.tar", layer, blobs) for layer in image.layers]
    config = {
        "architecture": architecture,
        "os": "linux",
        "config": dict(image.config),
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{_MEDIA}.manifest.v1+json",
        "config": _described(f"{_MEDIA}.config.v1+json", _json(config), blobs),
        "layers": layers,
    }
    described = _described(f"{_MEDIA}.manifest.v1+json", _json(manifest), blobs)
    described["platform"] = {"os": "linux", "architecture": architecture}
    naming = ("io.containerd.image.name", "org.opencontainers.image.ref.name")
    return [described | {"annotations": dict.fromkeys(naming, name)} for name in image.names]


def _described(media_type: str, blob: bytes | Path, blobs: dict[str, bytes | Path]) -> dict[str, Any]:
    digest, size = _digest(blob), blob.stat().st_size if isinstance(blob, Path) else len(blob)
    blobs[digest] = blob
    return {"mediaType": media_type, "digest": digest, "size": size}


def _digest(blob: bytes | Path) -> str:
    if isinstance(blob, bytes):
        return f"sha256:{hashlib.sha256(blob).hexdigest()}"
    with blob.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _add(out: tarfile.TarFile, name: str, content: bytes | Path, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.mode = mode
    if isinstance(content, bytes):
        entry.size = len(content)
        out.addfile(entry, io.BytesIO(content))
    else:
        entry.size = content.stat().st_size
        with content.open("rb") as file:
            out.addfile(entry, file)


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
