"""``make audit``: known vulnerabilities of what is installed, by pip-audit.

pip-audit itself ends with 0 when it could ask about no package at all. Exit codes here: 0 every
package was asked about and none has a known vulnerability, 1 some have, 2 some packages were
skipped, 3 the service does not answer (or pip-audit failed), so that nothing is known.
"""

from __future__ import annotations

import json
import subprocess
import sys

AUDIT = (sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off")


def judged(report: dict[str, list[dict[str, object]]]) -> tuple[int, list[str]]:
    """Exit code and sentences for pip-audit's JSON."""
    every = report.get("dependencies", [])
    asked = [one for one in every if "skip_reason" not in one]
    skipped = [f"skipped {one['name']}: {one['skip_reason']}" for one in every if one not in asked]
    found = [
        f"{one['name']} {one['version']}: {hole['id']}, mended in "
        f"{', '.join(hole.get('fix_versions') or []) or 'no version yet'}"
        for one in asked
        for hole in one["vulns"]  # type: ignore[attr-defined]
    ]
    if found:
        return 1, [*found, *skipped]
    if not asked:
        first = skipped[:1] or ["nothing is installed"]
        return 3, [*first, f"no answer about any of {len(every)} packages: nothing is known"]
    if skipped:
        return 2, [*skipped, f"{len(skipped)} of {len(every)} packages were not asked about"]
    return 0, [f"no known vulnerability in {len(asked)} packages"]


def main(more: list[str]) -> int:
    """Audit this environment; ``more`` goes on to pip-audit."""
    done = subprocess.run([*AUDIT, *more], capture_output=True, text=True, check=False)
    try:
        code, said = judged(json.loads(done.stdout))
    except ValueError:
        last = (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]
        code, said = 3, [f"pip-audit gave no answer, so nothing is known: {last[:300]}"]
    print("\n".join(said))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
