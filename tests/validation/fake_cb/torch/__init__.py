# SPDX-License-Identifier: Apache-2.0
"""As much of PyTorch's names as scripts/validate_gpu touches, with a GPU that computes nothing."""
import contextlib
import time

__version__ = "2.11.0+none"
bfloat16, float32 = "bfloat16", "float32"


def manual_seed(_):
    pass


def set_default_dtype(_):
    pass


@contextlib.contextmanager
def device(_):
    yield


@contextlib.contextmanager
def inference_mode():
    yield


class _Stream:
    pass


class _Event:
    def __init__(self, enable_timing=False):
        self.at = 0.0

    def record(self, _=None):
        self.at = time.perf_counter()

    def synchronize(self):
        pass

    def elapsed_time(self, end):
        return 1000 * (end.at - self.at)


class cuda:  # a module there
    Event = _Event
    is_available = staticmethod(lambda: True)
    current_stream = staticmethod(_Stream)
    get_device_name = staticmethod(lambda: "No GPU")
    empty_cache = staticmethod(lambda: None)


class version:
    cuda = "13.0"
