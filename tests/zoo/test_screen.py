"""What a command says while it works: lines everywhere, one that changes on a terminal, and nothing where asked to."""

import io

from zoo.progress import Progress
from zoo.screen import Screen


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(stream, quiet=False):
    screen = Screen(stream, quiet=quiet)
    screen("first")
    screen.live("half way")
    screen.live("nearly")
    screen("second")
    screen.clear()
    return stream.getvalue()


def test_a_file_gets_lines_and_a_terminal_one_more_that_is_taken_away():
    assert shown(io.StringIO()) == "first\nsecond\n"
    assert shown(Terminal()) == "first\n\r\x1b[Khalf way\r\x1b[Knearly\r\x1b[Ksecond\n"


def test_quiet_says_nothing_anywhere():
    assert shown(io.StringIO(), quiet=True) == shown(Terminal(), quiet=True) == ""


def test_a_reader_that_goes_away_does_not_end_the_work():
    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    screen = Screen(Gone())
    screen("first")
    screen("second")
    assert screen.quiet and not screen.said


def test_a_live_line_fits_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    stream = Terminal()
    Screen(stream).live("x" * 99)
    assert stream.getvalue() == "\r\x1b[K" + "x" * 19


def test_progress_within_an_epoch_is_shown_on_a_terminal_alone():
    for stream, marks in ((Terminal(), 1), (io.StringIO(), 0)):
        progress = Progress(Screen(stream), epochs=3, batches=4, samples=40, name="net")
        callback = progress.callback()
        callback.on_epoch_begin(0)
        if marks:
            callback.on_train_batch_end(1, {"loss": 0.5})
        callback.on_epoch_end(0, {"loss": 0.25})
        text = stream.getvalue()
        assert text.count("net  epoch 1/3   50%  loss 0.5  ") == marks
        assert text.splitlines()[-1].split("\x1b[K")[-1].startswith("net  epoch 1/3  loss 0.25  ")
        assert "images/s" in text and " left" in text
