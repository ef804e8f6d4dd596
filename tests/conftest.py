"""What all tests share: one torch thread, and random numbers of their own."""

import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _own_random_numbers():
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        yield
