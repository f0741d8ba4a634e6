"""Packages are unpacked by one process at a time, because tests run in several."""

import subprocess
import sys
from pathlib import Path

UNPACK = """
import pathlib, sys, time
from leopard_local.debian import taking_turns
root = pathlib.Path(sys.argv[1])
with taking_turns(root):
    if not root.exists():
        time.sleep(0.3)
        root.mkdir()
        print("unpacked")
"""


def test_several_processes_unpack_packages_once(tmp_path: Path) -> None:
    root = tmp_path / "folder" / "packages"
    command = [sys.executable, "-c", UNPACK, str(root)]
    local = str(Path(__file__).parents[1])
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={"PYTHONPATH": local})
        for _ in range(4)
    ]
    answers = [process.communicate(timeout=30) for process in running]
    assert sorted(answers) == [("", "")] * 3 + [("unpacked\n", "")]
