"""`python -m zoo`: every system is listed and has every verb, and help answers without a framework."""

import contextlib
import io
import subprocess
import sys

import pytest
from mistakes import ends_with_code_2

from zoo.__main__ import SYSTEMS, main, parser, system
from zoo.command import VERBS

PAIRS = [(verb, name) for verb in VERBS for name in SYSTEMS if verb in system(name).verbs]
COMMANDS = [(), ("list",), *((verb,) for verb in VERBS), *PAIRS]
IMPORTED = ("guitarml", "nam", "rtneural")
"""What others have trained: there is nothing to do but to import it."""

IN_ONE_PROCESS = """
import contextlib, io, sys, time
from zoo.__main__ import main
for words in {commands!r}:
    began, code, text = time.process_time(), None, io.StringIO()
    try:
        with contextlib.redirect_stdout(text):
            main([*words, "--help"])
    except SystemExit as end:
        code = end.code
    print(*words, code, "usage: python -m zoo" in text.getvalue(), time.process_time() - began < 2, sep="|")
loaded = {{"tensorflow", "keras", "tf_keras", "matplotlib", "sklearn"}} & set(sys.modules)
print("loaded", *loaded)
"""


@pytest.fixture(scope="module")
def help_of_all():
    script = IN_ONE_PROCESS.format(commands=COMMANDS)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_every_help_answers_and_at_once(help_of_all):
    wanted = ["|".join([*words, "0", "True", "True"]) for words in COMMANDS]
    assert help_of_all[:-1] == wanted


def test_help_imports_no_framework(help_of_all):
    assert help_of_all[-1].split() == ["loaded"]


def test_list_names_every_system_without_a_framework():
    done = subprocess.run([sys.executable, "-X", "importtime", "-m", "zoo", "list"], capture_output=True, text=True)
    assert done.returncode == 0
    for name in SYSTEMS:
        assert f"\n{name:16} {system(name).summary}\n" in "\n" + done.stdout
    assert "| tensorflow" not in done.stderr
    assert "| keras" not in done.stderr


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_trains_evaluates_and_shows(name):
    one = system(name)
    assert list(VERBS) == ["train", "evaluate", "show", "import"]
    assert list(one.verbs) == (["import"] if name in IMPORTED else ["train", "evaluate", "show"])
    assert one.summary.strip() == one.summary != ""
    assert "\n" not in one.summary
    for verb in one.verbs.values():
        assert verb.description.strip()


def test_the_command_line_knows_every_system():
    assert len(PAIRS) == 3 * (len(SYSTEMS) - len(IMPORTED)) + len(IMPORTED)
    for verb, name in PAIRS:
        with pytest.raises(SystemExit) as ended, contextlib.redirect_stdout(io.StringIO()) as text:
            parser().parse_args([verb, name, "--help"])
        assert ended.value.code == 0
        assert f"usage: python -m zoo {verb} {name}" in text.getvalue()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("", "required: COMMAND"),
        ("paint", "invalid choice: 'paint'"),
        ("train", "required: SYSTEM"),
        ("train nothing", "invalid choice: 'nothing'"),
        ("train wavenet --epochs 0", "'0' is not a whole number from 1"),
        ("train run --name ../x --data a --model b", "'../x' is no name for a run"),
        ("train metric_learning --recipe published --precision mixed_bfloat16", "goes with --recipe best"),
        ("train run --name x --data none.py --model none.py", "the data configuration none.py is not there"),
        ("train run --name x", "needs a data and a model configuration"),
        ("train run --name x --resume", "there is no run x in runs to resume"),
        ("train run --name x --set a=b", "'b' is not JSON"),
        ("train run --name x --set a", "'a' is not key=value"),
        ("train run --name x --set 1a=1", "'1a=1' is not key=value"),
        ("train run --name x --set a=1 a=2", "--set gives a flag twice"),
        ("train run --name x --set a={", "'{' is not JSON"),
        ("evaluate run none", "there is no run none in runs"),
        ("show run none", "there is no run none in runs"),
        ("show run", "required: RUN"),
        ("train wavenet --epoch 3", "unrecognized arguments: --epoch"),
        ("train wavenet --learning-rate 0", "'0' is not a number above 0"),
        ("train wavenet --learning-rate nan", "'nan' is not a number above 0"),
        ("train wavenet --precision float32", "unrecognized arguments: --precision"),
        ("train wavenet --out=-x", "'-x' begins with a dash"),
        ("train run --name x --runs=-x", "'-x' begins with a dash"),
        ("show run x --out=-x.png", "'-x.png' begins with a dash"),
        ("evaluate wavenet --epochs 3", "unrecognized arguments: --epochs"),
        ("evaluate wavenet --quiet", "unrecognized arguments: --quiet"),
        ("evaluate ensembles --trained x --members 3", "--members say"),
        ("evaluate ensembles --trained x --ensembles 3 --seed 1", "--ensembles and --seed say"),
        ("train ood --model x --epochs 3 --seed 1", "--epochs, --seed say"),
        ("train ood --model x --learning-rate 1", "--learning-rate say"),
        ("train ensembles --weak-labels --learn one", "--weak-labels has none"),
        ("train metric_learning --data digits --batch-size 25", "does not hold as many of each"),
    ],
)
def test_mistakes_end_with_code_2_and_say_what_is_wrong(words, complaint, capsys, tmp_path, monkeypatch):
    ends_with_code_2(words, complaint, capsys, tmp_path, monkeypatch)


def test_a_folder_that_cannot_be_written_ends_with_code_2(capsys):
    words = ["train", "ensembles", "--data", "digits", "--epochs", "1", "--members", "1"]
    assert main([*words, "--out", "/proc/none"]) == 2
    assert "python -m zoo train ensembles: error: [Errno 2]" in capsys.readouterr().err


def test_an_error_in_a_file_of_the_user_is_one_line_that_says_where(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KERAS_SILICON_DEBUG", raising=False)
    (tmp_path / "data.py").write_text("def load(flags):\n    return 1 / 0\n")
    (tmp_path / "model.py").write_text("def load(flags, data):\n    return None\n")
    assert main(["train", "run", "--name", "x", "--data", "data.py", "--model", "model.py"]) == 2
    said = capsys.readouterr().err
    assert said == "python -m zoo train run: error: ZeroDivisionError in data.py, line 2: division by zero\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.py", "model.py"]


@pytest.mark.parametrize("error", [ModuleNotFoundError("no", name="keras"), MemoryError(), RuntimeError("odd")])
def test_no_error_ends_in_a_traceback(error, capsys, monkeypatch):
    def fail(**options):
        raise error

    monkeypatch.setattr("zoo.wavenet.experiment.evaluate", fail)
    monkeypatch.delenv("KERAS_SILICON_DEBUG", raising=False)
    assert main(["evaluate", "wavenet"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.startswith("python -m zoo evaluate wavenet: error: ")
    monkeypatch.setenv("KERAS_SILICON_DEBUG", "1")
    assert main(["evaluate", "wavenet"]) == 2
    assert capsys.readouterr().err.startswith("Traceback")


def test_results_follow_progress_after_an_empty_line_and_stand_alone_when_quiet(capsys, monkeypatch):
    def measure(report, **options):
        report("half way")
        return "the table"

    monkeypatch.setattr("zoo.ensembles.experiment.evaluate", measure)
    assert main(["evaluate", "ensembles"]) == 0
    assert capsys.readouterr().out == "half way\n\nthe table\n"
    assert main(["evaluate", "ensembles", "--quiet"]) == 0
    assert capsys.readouterr().out == "the table\n"


def test_a_reader_that_has_seen_enough_is_no_error():
    done = subprocess.run(f"{sys.executable} -m zoo list | true", shell=True, capture_output=True, text=True)
    assert done.stderr == ""
