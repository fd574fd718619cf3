"""What can be asked of the namespace: capabilities, devices, dtypes."""

from __future__ import annotations

import numpy as np
import pytest

import gpuarray as xp
from gpuarray.dtypes import DTYPES

info = xp.__array_namespace_info__()


def test_the_version_and_the_namespace_are_the_standards(device):
    assert xp.__array_api_version__ == "2025.12"
    x = xp.zeros(1)
    for version in (None, "2021.12", "2022.12", "2023.12", "2024.12", "2025.12"):
        assert x.__array_namespace__(api_version=version) is xp
    for version in ("2020.12", 2025, "2026.12"):
        with pytest.raises(ValueError, match="api_version"):
            x.__array_namespace__(api_version=version)


def test_capabilities_hold_for_arrays(device, host):
    found = info.capabilities()
    assert found["boolean indexing"] is True
    assert found["data-dependent shapes"] is True
    x = xp.zeros((1,) * found["max dimensions"])
    np.testing.assert_array_equal(host(x + 1), np.ones(x.shape))
    # Whoever changes what is returned changes nothing here.
    found.clear()
    assert info.capabilities()


def test_the_default_device_is_that_of_new_arrays(device):
    assert info.default_device() == xp.zeros(1).device == device


def test_devices_are_a_tuple_that_begins_with_the_default_one(device):
    found = info.devices()
    assert type(found) is tuple
    assert found[0] == info.default_device()
    assert len(set(found)) == len(found)
    assert {"cpu", "cuda:0"} <= set(found)
    for each in found:
        assert xp.zeros(2, device=each).device is each


def test_default_dtypes_are_those_of_new_arrays(device):
    for given in (None, device):
        found = info.default_dtypes(device=given)
        assert found == {
            "real floating": xp.asarray(1.0).dtype,
            "complex floating": xp.asarray(1j).dtype,
            "integral": xp.asarray(1).dtype,
            "indexing": xp.argmax(xp.asarray([1, 2])).dtype,
        }


def test_dtypes_are_found_by_their_kinds(device):
    everything = info.dtypes()
    assert list(everything.values()) == list(DTYPES)
    assert everything == {name: getattr(xp, name) for name in everything}
    assert info.dtypes(device=device) == everything
    assert info.dtypes(kind="bool") == {"bool": xp.bool}
    assert list(info.dtypes(kind="integral")) == [
        *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
    ]
    assert info.dtypes(kind=("bool", "complex floating")) == {
        "bool": xp.bool,
        "complex64": xp.complex64,
        "complex128": xp.complex128,
    }
    assert info.dtypes(kind=("integral", "real floating", "complex floating")) == info.dtypes(
        kind="numeric"
    )
    assert info.dtypes(kind=()) == {}


@pytest.mark.parametrize("kind", ["float", 1, ("bool", "whole"), ["bool"]])
def test_a_kind_that_there_is_not_is_an_error(kind):
    with pytest.raises(ValueError, match="dtypes: kind must be one of 'bool'"):
        info.dtypes(kind=kind)


def test_a_device_that_there_is_not_is_an_error():
    for function in (info.default_dtypes, info.dtypes):
        with pytest.raises(ValueError, match="there is no 'nowhere'"):
            function(device="nowhere")


# Names that are not there


@pytest.mark.parametrize(
    ("namespace", "name", "meant"),
    [
        (lambda: xp, "arrange", "'arange'"),
        (lambda: xp, "cumulativesum", "'cumulative_sum'"),
        (lambda: xp, "inv", "'linalg.inv'"),
        (lambda: xp, "fftshift", "'fft.fftshift'"),
        (lambda: xp.linalg, "svdval", "'svdvals'"),
        (lambda: xp.linalg, "fftn", "'fft.fftn'"),
        (lambda: xp.fft, "rift", "'rfft'"),
        (lambda: xp.fft, "arange", "'arange'"),
    ],
)
def test_a_missing_name_is_answered_with_what_may_be_meant(namespace, name, meant):
    with pytest.raises(AttributeError, match=f"has no attribute '{name}'; did you mean .*{meant}"):
        getattr(namespace(), name)


def test_a_name_like_no_other_is_just_missing():
    with pytest.raises(AttributeError, match=r"module 'gpuarray' has no attribute 'xyzzyqq'$"):
        xp.xyzzyqq  # noqa: B018
    assert not hasattr(xp.linalg, "__wrapped__")
    with pytest.raises(ImportError):
        from gpuarray import arrange  # noqa: F401
