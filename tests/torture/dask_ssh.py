"""Dask over SSH, as README has it: two SSH servers on this machine stand for two hosts, 127.0.0.1 and 127.0.0.2.

A sweep must come to the bits of this process, and nothing may run on afterwards. (``test_train.py`` has a report on a
cluster, and a worker that dies.) Needs an SSH server (``apt-get install openssh-server``) and the ``dask`` extra.
"""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import joblib
import numpy as np
import psutil
from distributed import Client
from row import Row

from linclf import Config, sweep

HOSTS = ("127.0.0.1", "127.0.0.2")
ROOT = Path(__file__).parents[2]
SILENT = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
rng = np.random.default_rng(0)
IMAGES = rng.standard_normal((2000, 300), dtype=np.float32), rng.integers(0, 10, 2000)
CONFIGS = [Config(learning_rate=0.01, l2=0.1, shuffle=True, epochs=5, seed=seed) for seed in range(40)]


def rows() -> Iterator[Row]:
    server, started = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin"), time.monotonic()
    what = "Dask over SSH to two hosts"
    if server is None:
        yield Row(what, {"not tried, since there is no sshd": 1}, (), 0)
        return
    with tempfile.TemporaryDirectory() as folder, ssh_servers(server, Path(folder)) as words:
        with dask_ssh(words) as address, Client(address, timeout=60) as client:
            client.wait_for_workers(len(HOSTS), timeout=60)
            workers = client.scheduler_info()["workers"].values()
            trials = {
                "a worker on each host": {worker["host"] for worker in workers} == set(HOSTS) and running(address),
                "a sweep with the same bits": swept(),
            }
        trials["nothing that runs on"] = not running(address)
    losses = tuple(f"not {trial}" for trial, fine in trials.items() if not fine)
    yield Row(what, {trial: 1 for trial, fine in trials.items() if fine}, losses, time.monotonic() - started)


@contextmanager
def ssh_servers(server: str, folder: Path) -> Iterator[list[str]]:
    """A server on each host, which lets this user in with a key made for it; yields the words that tell Dask how."""
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where a server that root starts locks itself in
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    port = free_port()
    with ExitStack() as stack:
        for host in HOSTS:
            config = folder / f"{host}.conf"
            config.write_text(
                f"ListenAddress {host}\nPort {port}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/user.pub\n"
                f'StrictModes no\nUsePAM no\nPasswordAuthentication no\nPidFile none\nSetEnv PYTHONPATH="{ROOT}"\n'
            )
            stack.callback(end, subprocess.Popen([server, "-D", "-f", config], **SILENT), seconds=0)
        keys = ["--ssh-private-key", str(folder / "user"), "--ssh-username", getpass.getuser()]
        yield ["--ssh-port", str(port), *keys]


@contextmanager
def dask_ssh(words: list[str]) -> Iterator[str]:
    """The address of a scheduler, with a worker of one thread on each host, as ``dask ssh`` starts them."""
    port = str(free_port())
    command = [sys.executable, "-m", "dask", "ssh", *words, "--scheduler-port", port, "--nworkers", "1"]
    started = subprocess.Popen([*command, "--nthreads", "1", *HOSTS], **SILENT)
    try:
        yield f"tcp://{HOSTS[0]}:{port}"
    finally:
        started.send_signal(signal.SIGINT)
        end(started, seconds=20)


def swept() -> bool:
    here = sweep(CONFIGS, IMAGES, progress=False)
    with joblib.parallel_config(backend="dask"):
        there = sweep(CONFIGS, IMAGES, progress=False)
    return all((a.model.W == b.model.W).all() for a, b in zip(here, there, strict=True))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOSTS[0], 0))
        return probe.getsockname()[1]


def running(address: str) -> bool:
    """Whether a scheduler or a worker is there, as seen by the port in its command."""
    port = address.rpartition(":")[2]
    commands = (process.info["cmdline"] or () for process in psutil.process_iter(["cmdline"]))
    return any("distributed.cli" in " ".join(words) and port in " ".join(words) for words in commands)


def end(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Give the process so long to end by itself; then see that it does."""
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
