"""All of it as one verdict: status, flags, reasons, advice."""
