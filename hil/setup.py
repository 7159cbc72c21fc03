"""The one thing TOML cannot say: benchmarks and long tests are in a clone, but in no wheel."""

from setuptools import setup
from setuptools.command.build_py import build_py

BENCH = "quartier_bench"


class BuildWithoutBench(build_py):
    """Leave the benchmarks out, unless the packages stay where they are (an editable installation)."""

    def run(self) -> None:
        """Build the other packages."""
        if not self.editable_mode:
            self.packages = [name for name in self.packages if name.split(".")[0] != BENCH]
        super().run()


setup(cmdclass={"build_py": BuildWithoutBench})
