"""What holds for every test: one thread, one take, and the same examples each time."""

import os
import sys

# Tests start hundreds of processes, each of which would compile the program anew where nobody writes what was compiled.
sys.dont_write_bytecode = False

# Threads that wait for each other make a busy machine many times slower, and sums in another order change last digits.
# Set before anything imports numpy or torch, which read it once.
for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

if "torch" in sys.modules:
    sys.modules["torch"].set_num_threads(1)

# No test needs a screen.
os.environ.setdefault("MPLBACKEND", "Agg")

import cmt.config  # noqa: E402

# Three takes would make most tests three times as slow; those that are about takes ask for them. Set before the wishes
# read it, and not in processes that a test starts.
cmt.config.TAKES = 1

import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402
from networks import VARIANTS, network, write_untrained  # noqa: E402

settings.register_profile("repeatable", deadline=None, derandomize=True, max_examples=50, print_blob=True)
settings.load_profile("repeatable")


@pytest.fixture(params=VARIANTS)
def model(request):
    """A network of each kind, untrained."""
    return network(request.param)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """An untrained model: what it writes must be valid all the same."""
    return write_untrained(tmp_path_factory.mktemp("model") / "model.safetensors")
