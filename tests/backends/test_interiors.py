"""Regions of arrays: patches far from all boundaries are computed without any test."""

from __future__ import annotations

import numpy as np
import pytest

import gpuarray as xp

SHAPES = [(33, 129), (70, 391), (160, 512), (3, 70, 300)]


def data(shape, dtype="float32", seed=0):
    return np.random.default_rng(seed).integers(-9, 9, shape).astype(dtype)


def jacobi(ns, u):
    for _ in range(3):
        mean = (u[..., :-2, 1:-1] + u[..., 2:, 1:-1] + u[..., 1:-1, :-2] + u[..., 1:-1, 2:]) / 4
        inner = ns.concat([u[..., 1:-1, :1], mean, u[..., 1:-1, -1:]], axis=-1)
        u = ns.concat([u[..., :1, :], inner, u[..., -1:, :]], axis=-2)
    return u


def assigned(ns, u):
    u = ns.concat([u, u[..., :1]], axis=-1)
    for k in range(3):
        u[..., 1:-1, 2:-1] = (u[..., :-2, 2:-1] + u[..., 2:, 3:]) / 2 - k
        u[..., 5:, :7] = 3 * u[..., 4:-1, 1:8]
    return u


def quarters(ns, u):
    m, n = u.shape[-2] // 2, u.shape[-1] // 2
    a, b = u[..., :m, :n] + 1, u[..., :m, n:] * 2
    c, d = u[..., m:, :n] - 3, u[..., m:, n:] * 4
    above, below = ns.concat([b, a], axis=-1), ns.concat([d, c], axis=-1)
    return ns.concat([below, above], axis=-2)


def framed(ns, u):
    zeros = ns.zeros((*u.shape[:-1], 17), dtype=u.dtype)
    padded = ns.concat([zeros, u[..., ::-1], zeros], axis=-1)
    return padded[..., 17:-17] + padded[..., 10:-24] * padded[..., 20:-14]


def every_third(ns, u):
    u = u + 0
    u[..., 1::3, :] = u[..., ::3, :][..., : u[..., 1::3, :].shape[-2], :] * 2
    u[..., :, 4::-2] = 1
    return u


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "int16"])
@pytest.mark.parametrize("program", [jacobi, assigned, quarters, framed, every_third])
def test_regions(device, host, program, dtype, shape):
    if dtype == "int16" and program in (jacobi, assigned):
        pytest.skip("means are no integers")
    v = data(shape, dtype)
    expected = program(np, v.copy())
    found = host(program(xp, xp.asarray(v, device=device)))
    assert found.dtype == expected.dtype
    # Small numbers, a few times halved, are exact but for those of the last sweeps.
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-5)


def test_sizes_move_the_middle(device, host):
    """One structure, whose middle is another region for other sizes."""
    for rows in (10, 60, 150, 190):
        v = data((200, 300), seed=rows)
        x = xp.asarray(v, device=device)
        found = xp.concat([x[:rows] * 2, x[rows:] - 1], axis=0)[:, 1:] + x[:, :-1]
        expected = np.concatenate([v[:rows] * 2, v[rows:] - 1])[:, 1:] + v[:, :-1]
        np.testing.assert_array_equal(host(found), expected)
