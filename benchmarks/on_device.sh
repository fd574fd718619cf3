#!/usr/bin/env bash
# Everything that only hardware can show: the shared tests on a real device, compute-sanitizer over
# every kind of kernel, and the speed table. Runs from a checkout, without installing it.
#
#   benchmarks/on_device.sh [versions tests memcheck racecheck speed ...]    all of them if none
#
# In: an NVIDIA GPU, python3 (PYTHON) with the dependencies; those it lacks as wheels in WHEELS (.whl);
# for the stage `conformance` a checkout of the public suite in ARRAY_API_TESTS. Out: logs in OUT (./out),
# a summary last.
# A stage that fails or runs into its limit does not keep the next one from running.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

PYTHON=${PYTHON:-python3}
OUT=${OUT:-out}
TEST_SECONDS=${TEST_SECONDS:-220}
SANITIZER_SECONDS=${SANITIZER_SECONDS:-200}
SPEED_SECONDS=${SPEED_SECONDS:-330}
CONFORMANCE_SECONDS=${CONFORMANCE_SECONDS:-280}
LINALG_SECONDS=${LINALG_SECONDS:-280}
WORKERS=${WORKERS:-12}
mkdir -p "$OUT"

# Backends are found by their entry points, which an installation would write. This is that part.
metadata=$(mktemp -d)
trap 'rm -rf "$metadata"' EXIT
"$PYTHON" - "$metadata" <<'PYTHON' || exit 1
import sys, tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]
name, version = project["name"], project["version"]
folder = Path(sys.argv[1], f"{name.replace('-', '_')}-{version}.dist-info")
folder.mkdir()
folder.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
lines = []
for group, points in project["entry-points"].items():
    lines += [f"[{group}]", *(f"{key} = {value}" for key, value in points.items()), ""]
folder.joinpath("entry_points.txt").write_text("\n".join(lines))
PYTHON
WHEELS=${WHEELS:-.whl}
if compgen -G "$WHEELS/*.whl" >/dev/null; then
  "$PYTHON" -m pip install -q --no-index --no-deps --target "$metadata" "$WHEELS"/*.whl || exit 1
fi
export PYTHONPATH="$PWD:$PWD/backends:$metadata${PYTHONPATH:+:$PYTHONPATH}"
export PYTHONUNBUFFERED=1 PYTHONPYCACHEPREFIX="$metadata/compiled"

summary=()
failed=0

# stage NAME SECONDS COMMAND...: run, log to $OUT/NAME.log, go on whatever happens.
stage() {
  local name=$1 limit=$2 start=$SECONDS status
  shift 2
  echo "== $name (at most $limit s): $*"
  timeout -k 10 "$limit" "$@" >"$OUT/$name.log" 2>&1
  status=$?
  tail -n "${SHOWN:-15}" "$OUT/$name.log"
  [ "$status" -eq 0 ] || failed=1
  case $status in
    0) status=passed ;;
    124 | 137) status="ran past $limit s" ;;
    *) status="FAILED with status $status" ;;
  esac
  summary+=("$(printf '%-10s %-24s %4d s' "$name" "$status" $((SECONDS - start)))")
}

versions() {
  nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader
  "$PYTHON" - <<'PYTHON'
import platform
from importlib.metadata import PackageNotFoundError, version
print("Python", platform.python_version())
for name in ("numpy", "pluggy", "cuda-core", "cuda-bindings", "nvidia-cuda-nvrtc",
             "nvmath-python", "nvidia-cublas", "nvidia-cusolver", "nvidia-cufft", "pytest",
             "pytest-xdist", "pytest-timeout", "hypothesis", "cupy-cuda13x", "torch", "jax"):
    try:
        print(name, version(name))
    except PackageNotFoundError:
        print(name, "is not installed")
PYTHON
  "$PYTHON" -m gpuarray info
}
export -f versions
export PYTHON

sanitizer() {
  # Compiled once without it: under a sanitizer NVRTC takes several times as long.
  local groups=()
  [ -z "${CHECKED:-}" ] || groups=(--only "$CHECKED")
  "$PYTHON" -m benchmarks.every_kernel "${groups[@]}" || return
  # API errors are the backend's own to check; one is an answer: memory that CUDA does not know.
  local more=()
  [ "$1" != memcheck ] || more=(--report-api-errors no)
  # Kernels of NVIDIA's libraries take hours under it.
  [ "$1" != racecheck ] || more=(--kernel-name kernel_substring=gpuarray)
  compute-sanitizer --tool "$1" "${more[@]}" --target-processes all --error-exitcode 9 \
    --print-limit 20 \
    "$PYTHON" -m benchmarks.every_kernel "${groups[@]}"
}
export -f sanitizer

stages=("$@")
[ ${#stages[@]} -gt 0 ] || stages=(
  versions tests standard conformance accuracy linalg libraries sorting memcheck racecheck host speed
)
for name in "${stages[@]}"; do
  case $name in
    versions) SHOWN=40 stage versions 60 bash -c versions ;;
    tests)
      # In processes of their own, since pools keep what they once had, and each with a share of the
      # device. What compiles with NVRTC, or for the simulator, needs no device. The cache provider
      # would write into the checkout.
      for part in backends cuda; do
        # Tests in tests/cuda ask for all of the device.
        limit=$([ "$part" = cuda ] || echo 4GiB)
        GPUARRAY_TEST_DEVICE=${GPUARRAY_TEST_DEVICE:-cuda} GPUARRAY_MEMORY_LIMIT=$limit SHOWN=40 \
          stage "tests-$part" "$TEST_SECONDS" "$PYTHON" -m pytest "tests/$part" -n "$WORKERS" -q \
          -rf -p no:cacheprovider --tb=short --maxfail=60 --ignore-glob='*nvrtc*' \
          --ignore=tests/cuda/test_compile.py --ignore=tests/cuda/test_device_function_accuracy.py
      done
      ;;
    files)
      # Some of the tests, named in TEST_FILES.
      GPUARRAY_TEST_DEVICE=${GPUARRAY_TEST_DEVICE:-cuda} SHOWN=60 \
        stage files "$TEST_SECONDS" "$PYTHON" -m pytest ${TEST_FILES:?} -n "$WORKERS" -q -rfs \
        -p no:cacheprovider --tb=short --maxfail=60
      ;;
    values) stage values 120 "$PYTHON" -m benchmarks.every_kernel --large ;;
    memcheck | racecheck | synccheck | initcheck)
      stage "$name" "$SANITIZER_SECONDS" bash -c "sanitizer $name"
      ;;
    speed)
      # What is begun in time may take another half minute: torch.compile does.
      SHOWN=110 stage speed "$SPEED_SECONDS" "$PYTHON" -m benchmarks --only "${SPEED_ROWS:-limit,spine}" \
        --seconds "$((SPEED_SECONDS - 40))" --json "$OUT/speed.json" --chart "$OUT/speed.svg"
      ;;
    profile)
      SHOWN=40 stage profile 150 "$PYTHON" -m benchmarks.profile ${PROFILED:-cumulative-sum mandelbrot}
      ;;
    host) stage host 60 "$PYTHON" -m benchmarks.host_costs ;;
    standard)
      GPUARRAY_TEST_DEVICE=${GPUARRAY_TEST_DEVICE:-cuda} stage standard 120 "$PYTHON" -m pytest \
        tests/standard -n "$WORKERS" -q -p no:cacheprovider --tb=short --maxfail=60
      ;;
    conformance)
      for seed in ${CONFORMANCE_SEEDS:-1 2}; do
        SHOWN=60 stage "conformance$seed" "$CONFORMANCE_SECONDS" "$PYTHON" -m conformance \
          --backend cuda --max-examples 100 --seed "$seed" -n "$WORKERS" \
          --json "$OUT/conformance$seed.json"
      done
      ;;
    accuracy)
      SHOWN=50 stage accuracy 150 "$PYTHON" -m benchmarks.accuracy --json "$OUT/accuracy.json"
      ;;
    linalg)
      SHOWN=60 stage linalg "$LINALG_SECONDS" "$PYTHON" -m benchmarks.linalg_accuracy \
        --seconds "$((LINALG_SECONDS - 20))"
      ;;
    libraries) SHOWN=40 stage libraries 120 "$PYTHON" -m benchmarks.library_speed ;;
    random_speed | own_kernels | overlap | examples)
      SHOWN=40 stage "$name" 150 "$PYTHON" -m "benchmarks.$name"
      ;;
    sorting)
      SHOWN=40 stage sorting 90 "$PYTHON" -m benchmarks.sorting_speed
      stage first-sort 60 "$PYTHON" -m benchmarks.first_sort
      ;;
    *)
      echo "no stage $name: versions tests standard conformance accuracy linalg libraries sorting"
      echo "  files values profile memcheck racecheck synccheck initcheck host speed"
      echo "  random_speed own_kernels overlap examples"
      failed=1
      ;;
  esac
done

echo "== summary (logs in $OUT)"
printf '%s\n' "${summary[@]}"
exit $failed
