"""Packages that conda has and PyPI has not, though PyPI may have something else of that name."""

import shutil

from workbench_store.errors import EnvironmentFailed

#: Programs, and what each is called on PATH. PyPI's packages of these names are bindings, or of somebody else.
PROGRAMS = {
    "aria2": "aria2c",
    "bash": "bash",
    "bazel": "bazel",
    "c-compiler": "cc",
    "compilers": "cc",
    "curl": "curl",
    "cxx-compiler": "c++",
    "ffmpeg": "ffmpeg",
    "gcc": "gcc",
    "gfortran": "gfortran",
    "ghostscript": "gs",
    "git": "git",
    "git-lfs": "git-lfs",
    "go": "go",
    "graphviz": "dot",
    "gxx": "g++",
    "imagemagick": "convert",
    "java-jdk": "java",
    "jq": "jq",
    "make": "make",
    "nodejs": "node",
    "openjdk": "java",
    "pandoc": "pandoc",
    "parallel": "parallel",
    "perl": "perl",
    "pkg-config": "pkg-config",
    "poppler": "pdftotext",
    "r-base": "R",
    "rsync": "rsync",
    "rust": "cargo",
    "sox": "sox",
    "tesseract": "tesseract",
    "texlive-core": "latex",
    "tree": "tree",
    "unzip": "unzip",
    "wget": "wget",
    "yarn": "yarn",
    "zip": "zip",
}
#: What Python itself, the system or wheels from PyPI bring with them or do without: `conda env export` lists it.
NOT_NEEDED = frozenset(
    "_libgcc_mutex _openmp_mutex _x86_64-microarch-level blas brotli-bin bzip2 c-ares ca-certificates cpuonly "
    "cuda cudatoolkit cudnn expat freetype gcc_linux-64 giflib gxx_linux-64 hdf5 icu intel-openmp jpeg keyutils "
    "krb5 lame lcms2 ld_impl_linux-64 lerc libblas libbrotlicommon libbrotlidec libbrotlienc libcblas libcurl "
    "libdeflate libedit libev libevent libexpat libffi libgcc libgcc-ng libgfortran libgfortran-ng libgfortran5 "
    "libgomp libiconv libjpeg-turbo liblapack liblzma libnsl libopenblas libpng libsodium libsqlite libstdcxx "
    "libstdcxx-ng libtiff libuuid libwebp libwebp-base libxcb libxcrypt libxml2 libzlib llvm-openmp lz4-c mkl "
    "ncurses nettle nomkl numpy-base openblas openssl pthread-stubs python_abi pytorch-cuda pytorch-mutex "
    "readline sqlite tbb tk tzdata xorg-libxau xorg-libxdmcp xz yaml zeromq zlib zstd".split()
)


def is_not_needed(name: str) -> bool:
    """Whether an environment of PyPI's packages has or lacks nothing by leaving it out."""
    return name in NOT_NEEDED or (name.startswith("cuda-") and name != "cuda-python")


def program_of_the_machine(name: str) -> str | None:
    """Where this machine has the program that the package is; None for a package that is no program.

    Raises EnvironmentFailed where it has none.
    """
    program = PROGRAMS.get(name)
    if program is None:
        return None
    found = shutil.which(program)
    if found is None:
        raise EnvironmentFailed(
            f"{name} is a program that conda has and PyPI has not, and this machine has no {program}",
            remedy=f"Install {program} on the machine, or conda or micromamba, which is used then (WORKBENCH_CONDA "
            "names it); or leave the package out.",
        )
    return found
