"""What is said of the machine."""

import json
import os
import subprocess
import sys

import pytest

from linclf.system import environment

V2 = "31 22 0:28 / {}/sys rw,nosuid shared:9 - cgroup2 cgroup2 rw"
V1 = [
    "32 31 0:29 {root} {{}}/sys/cpu rw - cgroup cgroup rw,cpu,cpuacct",
    "33 31 0:3 {root} {{}}/sys/memory rw - cgroup cgroup rw,memory",
]
STAT = "anon 5\ninactive_file 1000\ntotal_inactive_file 1000\n"


def v2(folder, memory="max", cpu="max 100000"):
    files = {"memory.max": memory, "memory.current": "3000", "memory.stat": STAT, "cpu.max": cpu}
    return {f"sys{folder}/{name}": text for name, text in files.items()}


def v1(folder, memory=2**63 - 4096, quota=-1):
    memory = {"limit_in_bytes": str(memory), "usage_in_bytes": "3000", "stat": STAT}
    cpu = {"cfs_quota_us": str(quota), "cfs_period_us": "100000"}
    return {f"sys/memory{folder}/memory.{name}": text for name, text in memory.items()} | {
        f"sys/cpu{folder}/cpu.{name}": text for name, text in cpu.items()
    }


@pytest.mark.parametrize(
    ("groups", "mounts", "files", "memory", "cores"),
    [
        (["0::/job/step"], [V2], v2("/job/step", "10000", "50000 100000"), 8000, 1),
        (["0::/job/step"], [V2], v2("/job/step") | v2("/job", "9000", "250000 100000"), 7000, 3),  # the group above
        (["0::/"], [V2], v2("", "2000"), 0, 8),  # in a container, with more in use than it may have
        (["0::/job"], [V2], v2("/job"), None, 8),  # no limit
        (["4:memory:/a", "3:cpu,cpuacct:/a"], [m.format(root="/") for m in V1], v1("/a", 10000, 100000), 8000, 1),
        (["4:memory:/a/b", "3:cpu,cpuacct:/a/b"], [m.format(root="/a") for m in V1], v1("/b", 5000, 150000), 3000, 2),
        # Docker: the path of the host, of which the container sees the end alone.
        (["4:memory:/x/y", "3:cpu,cpuacct:/x/y"], [m.format(root="/") for m in V1], v1("", 6000, 400000), 4000, 4),
        (["4:memory:/a", "3:cpu,cpuacct:/a"], [m.format(root="/") for m in V1], v1("/a"), None, 8),
    ],
)
def test_memory_and_cores_are_those_of_the_container(tmp_path, monkeypatch, groups, mounts, files, memory, cores):
    """As the files of a process in a control group say: its groups, the mounts, and what the groups allow."""
    assert environment.available_memory() > 10e6  # in bytes
    assert 1 <= environment.cores() <= os.cpu_count()
    lines = ["22 1 0:5 / /proc rw - proc proc rw", *(mount.format(tmp_path) for mount in mounts), ""]
    for name, text in (files | {"cgroup": "\n".join([*groups, ""]), "mountinfo": "\n".join(lines)}).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(environment, "_PROC", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(8), raising=False)
    found = environment.available_memory()
    assert found == memory if memory is not None else found > 10e6
    assert environment.cores() == cores


def test_the_commit_is_that_of_this_checkout_whatever_git_is_told_by_others(tmp_path):
    """A hook of another repository sets GIT_DIR, GIT_WORK_TREE and GIT_INDEX_FILE."""
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    code = "import json; from linclf.system.environment import environment; print(json.dumps(environment()['commit']))"
    others = {"GIT_DIR": str(tmp_path / ".git"), "GIT_WORK_TREE": str(tmp_path), "GIT_INDEX_FILE": "nowhere"}
    for more in ({}, others):
        commit = json.loads(subprocess.check_output([sys.executable, "-c", code], env=os.environ | more))
        assert commit == environment.environment()["commit"]
