"""What every command of the zoo owes whoever mistypes it."""

import pytest

from zoo.__main__ import main


def ends_with_code_2(words, complaint, capsys, folder, monkeypatch):
    """The command says what is wrong, ends with code 2, and has begun nothing in its folder."""
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit) as ended:
        main(words.split())
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err
    assert list(folder.iterdir()) == []
