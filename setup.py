"""What pyproject.toml cannot say: firmware/ and rtl/ travel in a wheel inside the package `compiler`."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["compiler*", "zoo*", "sim*"]), "compiler.firmware", "compiler.rtl"],
    package_dir={"compiler.firmware": "firmware", "compiler.rtl": "rtl"},
    package_data={
        "compiler.firmware": ["**"],
        "compiler.rtl": ["**"],
        "sim": ["*.v"],
        "zoo.runs": ["examples/*.py"],  # an experiment of one's own, to be copied
    },
)
