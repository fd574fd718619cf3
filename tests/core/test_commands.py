"""The commands: what they print, the picture, the exit codes, and the demo's programs."""

from __future__ import annotations

import math
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpuarray.commands import demo as demo_module
from gpuarray.commands import main, picture
from gpuarray.commands.programs import heat_flow, k_means, option_pricing
from gpuarray.compiled import in_use
from gpuarray.plugins import hookimpl, register, unregister

Image = np.ndarray[Any, np.dtype[np.uint8]]


def small_demo(directory: Path) -> int:
    return main(["demo", "--backend", "numpy", "--size", "small", "--output", str(directory)])


def read_png(path: Path) -> Image:
    """The pixels ``(n, m, 3)`` of a PNG without filters; every checksum is checked."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks: dict[bytes, bytes] = {}
    place = 8
    while place < len(data):
        (length,) = struct.unpack_from(">I", data, place)
        kind = data[place + 4 : place + 8]
        chunks[kind] = data[place + 8 : place + 8 + length]
        (checksum,) = struct.unpack_from(">I", data, place + 8 + length)
        assert checksum == zlib.crc32(kind + chunks[kind])
        place += 12 + length
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    m, n, *form = struct.unpack(">II5B", chunks[b"IHDR"])
    assert form == [8, 2, 0, 0, 0]
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(n, 1 + 3 * m)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(n, m, 3)


def test_the_demo_agrees_with_numpy_and_counts_kernels(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert small_demo(tmp_path) == 0
    output = capsys.readouterr()
    assert output.err == ""
    head, *lines = output.out.splitlines()
    assert "backend numpy, device cpu" in head
    rows = {line.split(",")[0]: line.split() for line in lines if "x " in line and "," in line}
    assert set(rows) == {"option pricing", "heat flow", "k-means"}
    kernels = {name: int(row[-2]) for name, row in rows.items()}
    assert kernels["option pricing"] == 1
    # A step is one kernel; where a long graph is flushed in the middle of one, it takes two more.
    assert kernels["heat flow"] <= 1.25 * demo_module.SIZES["small"].steps
    assert kernels["k-means"] >= 1


def test_the_demo_saves_the_plate_as_a_picture(tmp_path: Path) -> None:
    assert small_demo(tmp_path) == 0
    size = demo_module.SIZES["small"]
    plate = heat_flow.diffuse(np, heat_flow.plate(size.cells), size.steps)
    expected = picture.colours(plate).astype(int)
    # A rounding error may move a colour to its neighbour, no further.
    assert np.max(np.abs(read_png(tmp_path / "heat.png") - expected)) <= 1


def test_a_saved_picture_has_the_colours_of_its_values(tmp_path: Path) -> None:
    values = np.linspace(-0.5, 1.5, 35).reshape(5, 7)
    picture.save_png(tmp_path / "a.png", values)
    image = read_png(tmp_path / "a.png")
    assert image.shape == (5, 7, 3)
    assert tuple(image[0, 0]) == tuple(picture.STOPS[0])
    assert tuple(image[-1, -1]) == tuple(picture.STOPS[-1])
    assert np.array_equal(image, picture.colours(values))


def test_the_demo_fails_with_1_where_results_differ(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(xp: Any, x: Any) -> tuple[Any]:
        return (x + 1e-6 if xp is np else x,)

    work = demo_module.Work("one off", wrong, (np.ones(3),), 1e-12)
    monkeypatch.setattr(demo_module, "works", lambda size: [work])
    assert small_demo(tmp_path) == 1
    assert "one off: differs from NumPy by 1.0e-06, allowed is 1e-12" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("result", "expected", "difference"),
    [
        ([1.0, 2.0], [1.0, 2.0], 0.0),
        ([1.0, 2.5], [1.0, 2.0], 0.25),
        ([0.0, 0.0], [0.0, 0.0], 0.0),
        ([1.0], [1.0, 2.0], math.inf),
        ([1, 2], [1.0, 2.0], math.inf),
        ([1.0, math.nan], [1.0, 2.0], math.nan),
    ],
)
def test_the_difference_is_relative_to_the_largest_value(
    result: list[float], expected: list[float], difference: float
) -> None:
    found = demo_module.compare((np.array(result),), (np.array(expected),))
    assert found == difference or (math.isnan(found) and math.isnan(difference))


@pytest.mark.parametrize("command", ["demo", "info"])
def test_a_backend_that_is_not_installed_is_a_message_and_2(
    command: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GPUARRAY_BACKEND", "nosuch")
    monkeypatch.chdir(tmp_path)
    assert main([command]) == 2
    message = capsys.readouterr().err
    assert message.startswith("gpuarray: ")
    assert "nosuch" in message
    assert "numpy" in message
    assert list(tmp_path.iterdir()) == []


def test_a_backend_named_in_the_command_wins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPUARRAY_BACKEND", "nosuch")
    assert small_demo(tmp_path) == 0
    assert main(["demo", "--backend", "neither", "--output", str(tmp_path)]) == 2
    assert "neither" in capsys.readouterr().err


def test_an_output_that_is_no_directory_is_a_message_and_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.touch()
    assert small_demo(file) == 2
    assert str(file) in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["nosuch"], ["demo", "--size", "huge"]])
def test_wrong_words_are_a_usage_message_and_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert "usage: python -m gpuarray" in capsys.readouterr().err


def without_a_gpu(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command in a process that sees no CUDA device, whatever machine this is."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("GPUARRAY_")}
    return subprocess.run(
        [sys.executable, "-m", "gpuarray", *words],
        env={**inherited, "CUDA_VISIBLE_DEVICES": "-1", **environment},
        capture_output=True,
        text=True,
    )


def test_info_reports_backends_devices_memory_cache_and_environment() -> None:
    done = without_a_gpu("info", GPUARRAY_CACHE_DIR="chosen-directory")
    assert (done.returncode, done.stderr) == (0, "")
    for text in (
        "gpuarray       0.1",
        f"recorder       {'compiled' if in_use() else 'pure Python'}",
        "numpy        cpu",
        "cuda         cannot start: cuda: ",
        "(default)",
        "used",
        "chosen-directory",
        "GPUARRAY_CACHE_DIR",
        "CUDA_VISIBLE_DEVICES",
    ):
        assert text in done.stdout


@pytest.mark.parametrize("command", ["demo", "info"])
def test_cuda_asked_for_by_name_without_a_device_says_why(command: str) -> None:
    done = without_a_gpu(command, GPUARRAY_BACKEND="cuda")
    assert done.returncode == 2
    assert done.stderr.startswith("gpuarray: cuda: ")
    assert "Traceback" not in done.stderr


def test_the_counter_leaves_no_plugin_behind() -> None:
    with demo_module.counted_tasks():
        pass
    with demo_module.counted_tasks() as counter:
        assert counter.tasks == 0


def test_a_device_that_runs_out_of_memory_is_a_message_and_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from gpuarray.errors import OutOfMemory

    class Full:
        @hookimpl
        def gpuarray_run(self, task: object) -> None:
            raise OutOfMemory("the host has no 80000 bytes left")

    register(Full(), name="full")
    try:
        assert small_demo(tmp_path) == 2
    finally:
        unregister("full")
    assert "gpuarray: the host has no 80000 bytes left" in capsys.readouterr().err


def test_the_normal_distribution_is_accurate_to_its_last_digits() -> None:
    x = np.linspace(-9.0, 9.0, 1001)
    exact = np.array([0.5 * math.erfc(-v / math.sqrt(2.0)) for v in x])
    assert np.max(np.abs(option_pricing.normal_cdf(np, x) - exact)) < 1e-15


def test_call_minus_put_is_the_forward() -> None:
    spot, strike, volatility, expiry = option_pricing.markets(1000)
    call, put = option_pricing.price(np, spot, strike, volatility, expiry, rate=0.03)
    forward = spot - strike * np.exp(-0.03 * expiry)
    assert np.max(np.abs(call - put - forward)) < 1e-12 * 200.0
    assert np.min(call) > -1e-12
    assert np.min(put) > -1e-12


def test_a_price_from_the_literature() -> None:
    # Hull, Options, Futures, and Other Derivatives, example 15.6: 4.76 and 0.81.
    spot, strike, volatility, expiry = (np.asarray(v) for v in (42.0, 40.0, 0.2, 0.5))
    call, put = option_pricing.price(np, spot, strike, volatility, expiry, rate=0.1)
    assert round(float(call), 2) == 4.76
    assert round(float(put), 2) == 0.81


def test_heat_flow_is_the_stencil_of_every_cell() -> None:
    before = heat_flow.plate(9)
    expected = before.copy()
    for i in range(1, 8):
        for j in range(1, 8):
            around = before[i - 1, j] + before[i + 1, j] + before[i, j - 1] + before[i, j + 1]
            expected[i, j] += 0.2 * (around - 4.0 * before[i, j])
    kept = before.copy()
    assert np.max(np.abs(heat_flow.diffuse(np, before, 1, rate=0.2) - expected)) < 1e-15
    assert np.array_equal(before, kept)


def test_heat_stays_between_its_extremes() -> None:
    after = heat_flow.diffuse(np, heat_flow.plate(32), 500)
    assert after.min() >= 0.0
    assert after.max() <= 1.0


def test_clusters_are_those_of_one_point_at_a_time() -> None:
    points, centres = k_means.clouds(200, k=4, d=2)
    found, nearest = k_means.cluster(np, points, centres, 3)
    for _ in range(3):
        of = [min(range(4), key=lambda k: math.dist(p, centres[k])) for p in points]
        centres = np.array(
            [np.mean([p for p, c in zip(points, of, strict=True) if c == k], 0) for k in range(4)]
        )
    assert np.max(np.abs(found - centres)) < 1e-12
    assert [min(range(4), key=lambda k: math.dist(p, centres[k])) for p in points] == list(nearest)


def test_a_centre_without_points_stays() -> None:
    points = np.array([[0.0, 0.0], [1.0, 0.0]])
    centres = np.array([[0.4, 0.0], [50.0, 50.0]])
    found, nearest = k_means.cluster(np, points, centres, 2)
    assert found.tolist() == [[0.5, 0.0], [50.0, 50.0]]
    assert nearest.tolist() == [0, 0]
