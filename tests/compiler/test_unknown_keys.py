"""Keys and arguments that newer libraries write: ignored with a note where they ask for nothing, refused elsewhere."""

import pytest
from test_keys import Patched, base

from compiler import manifest, passes
from compiler.options import Options


@pytest.mark.parametrize(
    ("class_name", "key", "value"),
    [
        ("Conv1D", "something_new", None),
        ("Dense", "groups", 1),
        ("LSTM", "use_cudnn", "auto"),
        ("BatchNormalization", "rms_scaling", False),
        ("QDense", "something_new", None),
    ],
)
def test_an_unknown_key_that_asks_for_nothing_is_ignored_with_a_note(class_name, key, value, tmp_path):
    patched = Patched(base(class_name), tmp_path)
    assert patched.lower(key, value) == patched.graph
    (note,) = patched.graph_with(key, value).notes
    assert key in note
    assert patched.layer.name in note
    assert patched.refuses(key, "something")


def test_an_unknown_argument_of_a_quantiser_that_is_none_is_ignored_with_a_note(tmp_path):
    """Newer versions of QKeras write four more arguments of quantized_bits, as None where they are not used."""
    patched = Patched(base("QDense"), tmp_path)
    arguments = {"bits": 8, "integer": 2, "alpha": 1}
    newer = {**arguments, "elements_per_scale": None, "post_training_scale": None}

    def quantizer(arguments):
        return {"class_name": "quantized_bits", "config": arguments}

    assert patched.lower("kernel_quantizer", quantizer(newer)) == patched.lower(
        "kernel_quantizer", quantizer(arguments)
    )
    notes = patched.graph_with("kernel_quantizer", quantizer(newer)).notes
    assert ["elements_per_scale" in notes[0], "post_training_scale" in notes[1]] == [True, True]
    assert patched.refuses("kernel_quantizer", quantizer({**arguments, "post_training_scale": [0.5]}))


def test_notes_reach_the_report_and_the_screen(tmp_path):
    patched = Patched(base("Dense"), tmp_path)
    graph = passes.run(patched.graph_with("something_new", None), passes.simplify())
    report = manifest.begin({"float": graph}, Options(target="mcu"), patched.spec, None)
    (note,) = report["notes"]
    assert "something_new" in note
    assert note in manifest.warnings(report)
