"""The one thing TOML cannot say: which Cython kernels are compiled, and how."""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

# -ffp-contract=off: gcc on aarch64 otherwise fuses multiply-add, and a Pi and a PC
# would decide differently.  Never -ffast-math.
FLAGS = ["-O3", "-ffp-contract=off", "-g0"]

# The code of memory views is compiled once and imported by the kernels; else Cython puts it into each.
# It halves what the compiler has to read.
SHARED = "quartier_native._views"

headers = sorted(Path("native/quartier_native").glob("*.h"))
kernels = [
    Extension(
        f"quartier_native.{path.stem}",
        [str(path)],
        include_dirs=["native/quartier_native"],
        depends=[str(header) for header in headers],
        extra_compile_args=FLAGS,
    )
    for path in sorted(Path("native/quartier_native").glob("*.pyx"))
]

# Each is a compilation of its own.  Two at a time: a small board has no memory for more.
at_once = min(2, len(os.sched_getaffinity(0)))

if not kernels:
    raise SystemExit("no kernels found: build from the root of the source tree")

setup(
    ext_modules=cythonize(
        [*kernels, Extension(SHARED, [], extra_compile_args=FLAGS)],
        nthreads=at_once,
        include_path=["native"],
        language_level=3,
        build_dir="build/cython",
        shared_utility_qualified_name=SHARED,
    ),
    options={"build_ext": {"parallel": at_once}},
)
