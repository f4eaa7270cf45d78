"""A run as an RO-Crate: tables, figures, certificates, manifests and configuration, for an archive such as Zenodo.

It holds no data set, model, key or row of anybody: only the files that it is given, and of these none of a kind
that may have rows of people.
"""

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

import yaml
from rocrate.rocrate import ROCrate

from cragru.core.errors import CragruError
from cragru.core.names import RESULTS
from cragru.kept.files import atomic_path
from cragru.kept.manifest import ENDING
from cragru.reporting.made import Made
from cragru.reporting.media import MEDIA_TYPES

PUBLIC = {*MEDIA_TYPES, ".txt", ".cff", ""}
LICENCE = "https://spdx.org/licenses/MIT"
DESCRIPTION = "Tables, figures and certificates of recommendation unlearning, made by cragru. Data sets are not in it."


def with_manifests(files: Iterable[str]) -> list[str]:
    """Return files with the manifests that lie beside them."""
    found = dict.fromkeys(files)
    for folder in {PurePosixPath(name).parent for name in found}:
        beside = sorted(Path(folder).glob(f"*{ENDING}"))
        found.update(dict.fromkeys(path.as_posix() for path in beside))
    return list(found)


def write_package(
    path: str, run: str, files: Sequence[str], sources: Sequence[str], settings: dict, made: Made
) -> None:
    """Write a run's package, and read it back.

    Args:
        path: The zip file.
        run: The run's name.
        files: Of the run, below `results/`.
        sources: Files of the repository: configuration, licence, citation.
        settings: The run's configuration as it was.
        made: What made all of it.

    Raises:
        CragruError: If a file is of a kind that may hold rows of people.
    """
    crate = ROCrate()
    crate.name, crate.description = f"cragru: {run}", DESCRIPTION
    crate.license = crate.add_jsonld({"@id": LICENCE, "@type": "CreativeWork", "name": "MIT"})
    crate.keywords = ["recommendation unlearning", "recommender systems"]
    crate.root_dataset["softwareVersion"] = made.commits or ["unknown"]
    placed = {PurePosixPath(name).relative_to(RESULTS).as_posix(): name for name in files}
    placed |= {f"configuration/{PurePosixPath(name).name}": name for name in sources}
    for inside, name in placed.items():
        if PurePosixPath(name).suffix not in PUBLIC:
            raise CragruError("a package holds no such file", place=name, allowed=sorted(PUBLIC))
        crate.add_file(name, inside, properties=_kind(inside))
    for program, versions in sorted(made.versions.items()):
        for version in versions:
            crate.add_jsonld(
                {
                    "@id": f"#{program}-{version}",
                    "@type": "SoftwareApplication",
                    "name": program,
                    "softwareVersion": version,
                }
            )
    with tempfile.TemporaryDirectory() as scratch:
        resolved = Path(scratch, "run.yaml")
        text = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)
        resolved.write_text(text, encoding="utf-8")
        inside = f"configuration/{resolved.name}"
        crate.add_file(resolved, inside, properties=_kind(inside))
        with atomic_path(path) as temporary:
            crate.write_zip(temporary)
            check_package(temporary)


def _kind(name: str) -> dict[str, str]:
    suffix = PurePosixPath(name).suffix
    return {"encodingFormat": MEDIA_TYPES[suffix]} if suffix in MEDIA_TYPES else {}


def check_package(path: Path) -> None:
    """Read a package back: its description names every file in it, and what RO-Crate demands of the whole.

    Raises:
        CragruError: If not.
    """
    crate = ROCrate(path)
    root = crate.root_dataset
    lacking = [
        name for name in ("name", "description", "datePublished", "license") if not root.get(name)
    ]
    with ZipFile(path) as archive:
        there = set(archive.namelist()) - {"ro-crate-metadata.json"}
    named = {entity.id for entity in crate.data_entities}
    if lacking or there != named:
        got = [*lacking, *sorted(there ^ named)]
        raise CragruError("not a whole RO-Crate", place=str(path), got=", ".join(got))
