"""Archives of the repository and of npm, unpacked on every Python that the product runs on."""

from __future__ import annotations

import tarfile
from pathlib import Path


def untar(file: Path, folder: Path) -> None:
    """Unpack a tar archive; Python 3.11.2, as Debian 12 has it, knows no ``filter=`` yet."""
    with tarfile.open(file) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # type: ignore[assignment]
        archive.extractall(folder)
