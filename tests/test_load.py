"""The load bench itself: what it calls a gap, and that each of its parts runs."""
from __future__ import annotations

import argparse

import pytest

from bench import load


def test_a_gap_is_sound_that_comes_after_the_ear_needed_it():
    steady = [(10.0, 0.0), (10.1, 0.2), (10.2, 0.5), (11.4, 1.5)]
    assert max(load.lateness(steady)) < 0
    late = load.lateness([(10.0, 0.0), (10.1, 0.2), (10.63, 0.5), (10.73, 0.6)])
    assert late[1] == pytest.approx(0.1) and late[2] == pytest.approx(0.0)          # what came late moved all that follows


def test_the_slope_of_memory():
    assert load.slope([(60.0 * k, 500 + 3.0 * k) for k in range(10)]) == pytest.approx(3.0) and load.slope([(0, 1), (1, 2)]) == 0


def test_quick(tmp_path):
    """Speaking, with stubs for engines: a server in a process of its own, its clients here."""
    parser = argparse.ArgumentParser()
    load.options(parser)
    figures = load.run(parser.parse_args(["--quick", "--only", "speaking", "--keep", str(tmp_path)]))
    assert figures["first_sound_ms_p95_at_1"] > 0 and figures["client_cores_at_1"] < 0.5 and figures["faults_speaking"] == 0


@pytest.mark.slow
def test_quick_sudden_ends(tmp_path):
    parser = argparse.ArgumentParser()
    load.options(parser)
    figures = load.run(parser.parse_args(["--quick", "--only", "kill", "--keep", str(tmp_path)]))
    assert figures["lost"] == figures["half"] == figures["kill_trouble"] == 0 and figures["kills"] == 2
