"""cuDNN's attention is kept out on a GPU for as long as a tree is scored, and only then."""

import pytest
import torch

from trajectories.scoring.attention import without_plans


def test_the_kernels_allowed_are_those_of_before_afterwards() -> None:
    enabled = torch.backends.cuda.cudnn_sdp_enabled
    before = enabled()
    with without_plans(torch.device("cuda")):
        assert not enabled()
    assert enabled() == before
    with without_plans(torch.device("cpu")):
        assert enabled() == before


def test_an_error_gives_them_back_too() -> None:
    enabled = torch.backends.cuda.cudnn_sdp_enabled
    before = enabled()
    with pytest.raises(RuntimeError), without_plans(torch.device("cuda")):
        raise RuntimeError
    assert enabled() == before
