"""The one look at the network before a run that needs it."""

import socket

import pytest
from huggingface_hub import constants

from support.hub_server import LocalHub
from trajectories.preflight.findings import Findings
from trajectories.preflight.network import look_at_network, no_answer


def closed_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def test_no_network_is_one_line_that_names_what_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", closed_port())
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    findings = Findings()
    look_at_network(["the audit", "questions"], findings)
    (line,) = findings.mistakes
    assert line.startswith(f"no answer from {constants.ENDPOINT}")
    assert "the audit, questions" in line
    look_at_network([], nothing := Findings())
    assert nothing.mistakes == []


def test_any_answer_is_a_network(hub: LocalHub) -> None:
    assert no_answer(hub.url) == ""


def test_silence_ends() -> None:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert no_answer(f"http://127.0.0.1:{silent.getsockname()[1]}", patience=1) == "not within 1 s"
