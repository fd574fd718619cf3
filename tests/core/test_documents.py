"""The documents name every public function, and their links lead somewhere.

That their examples run is pytest's doctests' business.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import gpuarray as xp
from gpuarray import errors, library
from gpuarray.operations.library import LIBRARY
from gpuarray.plugins import library_hooks
from gpuarray_cuda import tuning
from gpuarray_cuda.libraries import blas, decompositions, eigenvalues, fourier, transforms

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.glob("*.md"))]


def in_code(path: Path) -> set[str]:
    """The words that a document has in code spans of a line."""
    spans = re.findall(r"`([^`\n]+)`", path.read_text("utf-8"))
    return set(re.findall(r"\w+", " ".join(spans)))


def anchors(path: Path) -> set[str]:
    """What the headings of a document are linked to by."""
    headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", h).strip().lower()) for h in headings}


@pytest.mark.parametrize(
    "module",
    [xp, xp.linalg, xp.fft, xp.random, xp.cuda, xp.__array_namespace_info__(), errors, library],
    ids=lambda module: module.__name__,
)
def test_the_reference_has_every_public_name(module: object) -> None:
    public = set(module.__all__) - {"call"}  # type: ignore[attr-defined]
    assert public <= in_code(DOCS / "reference.md")


OPTIONAL = ("prepare", "matmul_add", "matmul_scaled", "scan_joined")


def test_the_backend_authors_page_has_every_hook_of_a_library_operation() -> None:
    hooks = {name for name in vars(library_hooks) if name.startswith("gpuarray_")}
    # Those that are no operations of their own, which a backend need not have.
    optional = {f"gpuarray_{name}" for name in OPTIONAL}
    assert hooks - optional == {f"gpuarray_{name}" for name in LIBRARY}
    assert hooks <= in_code(DOCS / "writing-a-backend.md")


@pytest.mark.parametrize(
    "words",
    [
        f"rows of up to {tuning.LONGEST_GROUP} elements: a group of lanes, in registers",
        f"up to {tuning.SORT_ROWS[-1].block * tuning.SORT_ROWS[-1].items}, as far as",
        f"rows of up to {tuning.SCAN_LONGEST_ROW} elements: a group of lanes; longer",
        f"`eig` and `eigvals` of matrices of at most {eigenvalues.LARGEST_ON_HOST} rows",
        f"general eigenvalues | at most {eigenvalues.LARGEST_ON_HOST} rows",
        f"matrices of at most {eigenvalues.LARGEST_HERMITIAN_TOGETHER} rows",
        f"singular values | at most {decompositions.LARGEST_JACOBI} rows",
        f"QR | at most {decompositions.ALWAYS_TOGETHER} rows",
        f"on, at most {decompositions.LARGEST_QR_TOGETHER} |",
        f"a workspace of {blas.WORKSPACE_BYTES >> 20} MiB",
        f"The last {fourier.KEPT_PLANS} plans",
        f"for less than {transforms.ELEMENTS_OF_A_CALL:,} elements",
    ],
)
def test_the_page_about_cuda_has_the_bounds_of_the_code(words: str) -> None:
    assert words in " ".join((DOCS / "on-cuda.md").read_text("utf-8").split())


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_documents_and_headings(path: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", path.read_text("utf-8"))
    for link in links:
        if link.startswith("https://"):
            continue
        name, _, heading = link.partition("#")
        target = path.parent / name if name else path
        assert target.is_file(), link
        assert not heading or heading in anchors(target), link


def test_every_document_is_in_the_navigation() -> None:
    listed = re.findall(r"- (\S+\.md)", (ROOT / "mkdocs.yml").read_text("utf-8"))
    assert sorted(listed) == sorted(path.name for path in DOCS.glob("*.md"))
