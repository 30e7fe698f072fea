"""How far long work has come: where it is shown, and where it is not."""

import io
import sys
import time

import pytest

from compiler import cli, progress


class Terminal(io.StringIO):
    """Standard error that somebody looks at."""

    def isatty(self):
        return True


def work(steps=4, seconds=0.06):
    with progress.stage("verifying", steps * 10):
        for number in range(steps):
            time.sleep(seconds)
            with progress.peeking(lambda: 5):
                progress.now(f"part {number}")  # which draws, so that no thread has to be quick
            progress.advance(10)
            cli.say(f"line {number}")


@pytest.fixture
def quick(monkeypatch):
    for name in ("FIRST_LINE_S", "LINES_S", "REDRAW_S"):
        monkeypatch.setattr(progress, name, 0.02)
    monkeypatch.setattr(progress._Bar, "interval", 0.02)


def test_nothing_is_said_unless_it_is_wanted(capsys, quick):
    work()
    with progress.shown(False):
        work()
    out, err = capsys.readouterr()
    assert out == "".join(f"line {n}\n" for n in range(4)) * 2
    assert err == ""


def test_short_work_says_nothing_to_a_file(capsys):
    with progress.shown():
        work()
    assert capsys.readouterr().err == ""


def test_long_work_writes_a_line_now_and_then(capsys, quick):
    with progress.shown():
        work()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) > 2
    assert all(line.startswith(("verifying: ", "part ")) for line in lines)
    assert any("of 40 samples" in line and "a second" in line and "s left" in line for line in lines)


def test_a_terminal_shows_a_bar_with_rate_and_time_left_and_is_clean_afterwards(monkeypatch, quick):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with progress.shown():
        work()
    text = screen.getvalue()
    assert "part 2" in text
    assert "25/40" in text  # two parts, and half of the third
    assert "samples/s" in text
    assert not text.splitlines()[-1].split("\r")[-1].strip()


def test_work_of_unknown_length_shows_its_time(monkeypatch, quick):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with progress.shown(), progress.stage("reading"):
        time.sleep(0.05)
    assert "reading [00:00]" in screen.getvalue()


def test_a_closed_screen_does_not_stop_the_work(monkeypatch, quick, capsys):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with progress.shown(), progress.stage("verifying", 3):
        screen.close()
        progress.advance(1)
        time.sleep(0.05)
    assert capsys.readouterr().out == ""


def test_the_interpreter_says_how_far_it_is_where_it_goes_step_by_step(tmp_path, monkeypatch):
    import keras
    import numpy as np
    from models import randomize

    import compiler
    from compiler.ir import interpreter

    audio = keras.Input((None, 1), name="audio")
    gated = randomize(keras.Model(audio, keras.layers.GRU(2, return_sequences=True)(audio)))
    build = compiler.compile(gated, "mcu", out=tmp_path / "build")
    seen, evaluate = [], interpreter.evaluate

    def watched(graph, xs, *, wanted, tick):
        values = evaluate(graph, xs, wanted=wanted, tick=lambda step: (tick(step), seen.append(progress._stage.peek())))
        assert set(values) == {graph.outputs[0].name}, "more was kept than was asked for"
        return values

    monkeypatch.setattr(interpreter, "evaluate", watched)
    with progress.shown(), progress.stage("running", 5):
        y = build.run(np.ones((5, 1)))
    assert seen == [1, 2, 3, 4, 5]
    assert np.abs(y - np.asarray(gated(np.ones((1, 5, 1))))[0]).max() < 1e-6
