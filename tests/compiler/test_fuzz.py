"""Damaged files of every kind end in success or in a CompileError, within 2 s and 1 GB each."""

from collections import Counter

import format_nets
import pytest
from fuzz_tools import fuzz

FINE = ("refused", "neither", "frame", "stream")


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    """Small files of every format, with nested models, operators, recurrence and quantisers among them."""
    import keras
    import tf_keras
    from models import quantized_net

    folder = tmp_path_factory.mktemp("seeds")
    nets = format_nets
    for library, k, chosen in (
        ("keras", keras, (nets.chain, nets.nested, nets.many, nets.recurrent, nets.each_step, nets.keras_operators)),
        ("tf_keras", tf_keras, (nets.image, nets.nested, nets.recurrent, nets.sequential, nets.tensorflow_operators)),
    ):
        for net in chosen:
            model = nets.fill(net(k))
            stem = folder / f"{library}_{net.__name__}"
            model.save(f"{stem}.h5")
            model.save(f"{stem}.keras")
            model.save_weights(f"{stem}.weights.h5")
            stem.with_suffix(".json").write_text(model.to_json())
    quantized_net().save(folder / "quantized.h5")
    return folder


def check(results, capsys):
    counts = Counter(outcome if outcome in FINE else "defect" for _, _, outcome, *_ in results)
    with capsys.disabled():
        slowest = max(seconds for _, _, _, seconds, _ in results)
        print(f"\nfuzz: {len(results)} files, {dict(counts)}, the slowest took {slowest:.2f} s")
    defects = [f"{number} ({damage}): {outcome}" for number, damage, outcome, *_ in results if outcome not in FINE]
    assert not defects, "\n".join(defects[:20])
    # A harness that damages nothing, or everything beyond recognition, would prove little.
    assert counts["refused"] > len(results) // 4
    assert counts["frame"] + counts["stream"] > len(results) // 20


def test_500_damaged_files(seeds, capsys):
    check(fuzz(seeds, range(500)), capsys)


@pytest.mark.slow
def test_20000_damaged_files(seeds, capsys):
    check(fuzz(seeds, range(1000, 21000)), capsys)
