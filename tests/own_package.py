"""A small package of our own, which pip and uv build without any other."""

from pathlib import Path

PACKAGED = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "ownthing"
version = "VERSION"
"""
#: A build backend without needs: a wheel with one module, or with a .pth file that leads to it.
BACKEND = """
import pathlib, zipfile
here = pathlib.Path(__file__).parent
version = (here / "version").read_text()
info = f"ownthing-{version}.dist-info"
def write(folder, name, text):
    wheel = f"ownthing-{version}-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(folder) / wheel, "w") as file:
        file.writestr(name, text)
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\\nName: ownthing\\nVersion: {version}\\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        file.writestr(f"{info}/RECORD", "")
    return wheel
def build_wheel(folder, config_settings=None, metadata_directory=None):
    return write(folder, "ownthing.py", (here / "ownthing.py").read_text())
def build_editable(folder, config_settings=None, metadata_directory=None):
    return write(folder, "ownthing.pth", str(here))
"""


def package(folder: Path, version: str) -> Path:
    folder.mkdir()
    (folder / "pyproject.toml").write_text(PACKAGED.replace("VERSION", version))
    (folder / "backend.py").write_text(BACKEND)
    (folder / "version").write_text(version)
    (folder / "ownthing.py").write_text(f"version = {version!r}\n")
    return folder
