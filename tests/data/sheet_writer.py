"""Small spreadsheets (.xlsx) for tests, with the parts that a reader looks at."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from xml.sax.saxutils import escape

Sheet = tuple[str, list[list[object]]]


def book(sheets: Sequence[Sheet], note: str = "") -> bytes:
    """A workbook of these sheets (name, rows), with a note on a cell of the first."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        names = "".join(f'<sheet name="{escape(name)}" sheetId="1"/>' for name, _ in sheets)
        archive.writestr("xl/workbook.xml", f"<workbook><sheets>{names}</sheets></workbook>")
        for number, (_, rows) in enumerate(sheets, 1):
            body = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in rows)
            archive.writestr(f"xl/worksheets/sheet{number}.xml", f"<worksheet>{body}</worksheet>")
        if note:
            text = f"<text><r><t>{escape(note)}</t></r></text>"
            archive.writestr(
                "xl/comments1.xml", f'<comments><comment ref="B1">{text}</comment></comments>'
            )
    return out.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f"<c><v>{value}</v></c>"
