"""Makes the `pause` image that every pod sandbox starts from, since no registry is asked for one."""

import hashlib
import io
import json
import tarfile
import tempfile
from pathlib import Path

from cluster import binary, commands, files, golang, paths

SOURCE = paths.SOURCES / "pause"


def image() -> tuple[str, Path]:
    """The image's name and the archive that holds it, made now if it never was."""
    key = hashlib.sha256((SOURCE / "main.go").read_bytes()).hexdigest()[:8]
    name = f"graphcron.dev/pause:{key}"
    archive = paths.user_cache() / "pause" / f"{key}-{binary.architecture()}.tar"
    if not archive.exists():
        files.write(archive, oci_archive(name, _compile(), binary.architecture()))
    return name, archive


def oci_archive(name: str, program: bytes, architecture: str) -> bytes:
    """An OCI image of one static program, as the tar that `ctr images import` reads."""
    layer = _tar({"pause": (program, 0o755)})
    config = _json(
        {
            "architecture": architecture,
            "os": "linux",
            "config": {"Entrypoint": ["/pause"], "User": "65535:65535"},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        }
    )
    media = "application/vnd.oci.image"
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": f"{media}.manifest.v1+json",
            "config": _descriptor(f"{media}.config.v1+json", config),
            "layers": [_descriptor(f"{media}.layer.v1.tar", layer)],
        }
    )
    entry = _descriptor(f"{media}.manifest.v1+json", manifest) | {
        "annotations": {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name},
        "platform": {"os": "linux", "architecture": architecture},
    }
    index = _json({"schemaVersion": 2, "mediaType": f"{media}.index.v1+json", "manifests": [entry]})
    content = {"oci-layout": (_json({"imageLayoutVersion": "1.0.0"}), 0o644), "index.json": (index, 0o644)}
    for blob in (layer, config, manifest):
        content[f"blobs/{_digest(blob).replace(':', '/')}"] = (blob, 0o644)
    return _tar(content)


def _compile() -> bytes:
    go = golang.find(SOURCE)
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "pause"
        commands.run(
            [go, "build", "-C", SOURCE, "-trimpath", "-ldflags=-s -w", "-o", program, "."],
            env=binary.go_environment(), timeout=300,
        )  # fmt: skip
        return program.read_bytes()


def _tar(content: dict[str, tuple[bytes, int]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, (data, mode) in content.items():
            info = tarfile.TarInfo(path)
            info.size, info.mode = len(data), mode
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _descriptor(media_type: str, data: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": _digest(data), "size": len(data)}
