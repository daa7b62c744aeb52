"""The bill of materials of an image, in CycloneDX 1.6: what lies in its archive, checked against the lock.

`python -m cluster.sbom` writes `.build/sbom/graphcron.cdx.json`; the same image gives the same bytes. The CycloneDX
project's own library judges it by the official schema.
"""

import email
import json
import re
import sys
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cluster import commands, files, image_archive, image_wheels, images
from cluster.errors import ClusterError
from cluster.paths import HERE, Place
from cluster.progress import say

SPEC = "1.6"

Component = dict[str, Any]

JUDGE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
sys.exit(JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read()) and "not valid CycloneDX 1.6")
"""


def main(place: Place = HERE) -> int:
    """Build the image if need be, and write its bill."""
    try:
        archive = images.build("graphcron", place)
        with tempfile.TemporaryDirectory() as temporary:
            image_archive.unpack(archive, Path(temporary))
            components = [found for kind in KINDS for found in kind(Path(temporary))]
        locked = image_wheels.versions((place.root / images.IMAGES["graphcron"].lock).read_text())
        check(components, locked)
        text = json.dumps(bill(images.version(place.root), components), indent=1)
        judge(text, place)
    except ClusterError as error:
        say(f"error: {error}")
        return 1
    target = place.build / "sbom/graphcron.cdx.json"
    files.write(target, text)
    say(f"{target.relative_to(place.root)}: {len(components)} components, valid CycloneDX {SPEC}")
    return 0


def python_packages(root: Path) -> Iterator[Component]:
    """What is installed below `root`, by the metadata that installers leave."""
    for metadata in root.rglob("*.dist-info/METADATA"):
        about = email.message_from_string(metadata.read_text())
        name = re.sub(r"[-_.]+", "-", about["Name"]).lower()
        yield component(name, about["Version"], f"pkg:pypi/{name}@{quote(about['Version'])}") | licence(about)


def licence(about: Message) -> Component:
    """As the package declares it: an SPDX expression, or the first line of what older metadata has."""
    if expression := about["License-Expression"]:
        return {"licenses": [{"expression": expression}]}
    declared = [value.rpartition(" :: ")[2] for value in about.get_all("Classifier", []) if value.startswith("License")]
    declared = declared or [line for line in (about["License"] or "").splitlines()[:1] if line]
    return {"licenses": [{"license": {"name": name}} for name in declared]} if declared else {}


def debian_packages(root: Path) -> Iterator[Component]:
    """What dpkg tells: in one file, or in a file each where there is no dpkg."""
    release = dict(re.findall(r'^(\w+)="?(.*?)"?$', (root / "usr/lib/os-release").read_text(), re.MULTILINE))
    one_file = root / "var/lib/dpkg/status"
    each = [file.read_text() for file in (root / "var/lib/dpkg/status.d").glob("*")]
    for stanza in each or one_file.read_text().split("\n\n"):
        package = email.message_from_string(stanza)
        if package["Package"] and "deinstall" not in package.get("Status", ""):
            version = quote(package["Version"], safe="~:")
            where = f"arch={package['Architecture']}&distro={release['ID']}-{release['VERSION_ID']}"
            purl = f"pkg:deb/{release['ID']}/{package['Package']}@{version}?{where}"
            yield component(package["Package"], package["Version"], purl)


def python_itself(root: Path) -> Iterator[Component]:
    """Where it is no Debian package: the official images compile it."""
    for header in (root / "usr/local/include").glob("python3.*/patchlevel.h"):
        if found := re.search(r'define PY_VERSION\s+"(.+)"', header.read_text()):
            yield component("cpython", found[1], f"pkg:generic/cpython@{found[1]}")


KINDS = (python_packages, debian_packages, python_itself)


def component(name: str, version: str, purl: str) -> Component:
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def check(components: Iterable[Component], locked: dict[str, str]) -> None:
    """Raises ClusterError when a Python package is not the locked one, or when a whole kind of packages is missing."""
    kinds: dict[str, dict[str, str]] = {"pypi": {}, "deb": {}, "generic": {}}
    for item in components:
        kinds[item["purl"].removeprefix("pkg:").partition("/")[0]][item["name"]] = item["version"]
    stray = {name for name, version in kinds["pypi"].items() if locked.get(name) != version} - {"graphcron"}
    if stray:
        raise ClusterError(f"In the image, and not as in its lock: {', '.join(sorted(stray))}. Build it anew.")
    if "graphcron" not in kinds["pypi"] or not kinds["deb"]:
        raise ClusterError("The image tells of no Python or no Debian packages: a bill of it would be incomplete.")


def bill(version: str, components: Iterable[Component]) -> Component:
    """The document."""
    found = sorted(components, key=lambda item: str(item["purl"]))
    references = [item["bom-ref"] for item in found]
    return {
        "$schema": f"http://cyclonedx.org/schema/bom-{SPEC}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPEC,
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, ' '.join([version, *references]))}",
        "version": 1,
        "metadata": {
            "component": {"type": "container", "bom-ref": "image", "name": "graphcron/graphcron", "version": version}
        },
        "components": found,
        "dependencies": [{"ref": "image", "dependsOn": references}],
    }


def judge(text: str, place: Place) -> None:
    """Raises ClusterError unless the CycloneDX project's own library takes the document."""
    tools = image_wheels.tools(place.root / "requirements/sbom.txt")
    environment = commands.environment(None, PYTHONPATH=str(tools))
    commands.run([sys.executable, "-P", "-c", JUDGE], env=environment, stdin=text)


if __name__ == "__main__":
    sys.exit(main())
