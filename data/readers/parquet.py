"""Reading a Parquet file whole, with every way it can be broken as one clear sentence."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from data.columns import LogError

MAX_BYTES = 4 << 30


def read_parquet(path: Path) -> pl.DataFrame:
    """One Parquet file as a frame.

    Raises:
        LogError: the file cannot be opened, is too large, or is no whole Parquet file.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise LogError(f"{path.name} is larger than the {MAX_BYTES >> 30} GiB that are read")
        with path.open("rb") as file:
            return pl.read_parquet(file)
    except OSError as error:
        raise LogError(f"{path.name} cannot be opened ({error.strerror or error})") from None
    except (PolarsError, pl.exceptions.PanicException, ValueError, OverflowError) as error:
        cause = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise LogError(f"{path.name} is not a whole Parquet file ({cause})") from None
