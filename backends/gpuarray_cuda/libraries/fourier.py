"""cuFFT: batches of Fourier transforms, with plans kept for the next time.

In: `interface.Transform` and pointers. Out: calls of cuFFT. A plan holds tables and code, its work
area comes from the pool at each run.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from gpuarray.errors import OutOfMemory

from .interface import Transform
from .loading import Session, bindings

__all__ = ["Fourier"]

# The least recently used plan beyond these is given up; making one takes 0.1 to 10 ms, and its
# tables have at most the size of one transform.
KEPT_PLANS = 128

# cufftType, by kind and double precision, and the function that runs it.
_TYPES = {
    ("R2C", False): (0x2A, "exec_r2c"),
    ("C2R", False): (0x2C, "exec_c2r"),
    ("C2C", False): (0x29, "exec_c2c"),
    ("R2C", True): (0x6A, "exec_d2z"),
    ("C2R", True): (0x6C, "exec_z2d"),
    ("C2C", True): (0x69, "exec_z2z"),
}
_FORWARD, _INVERSE = -1, 1


class _Plan(NamedTuple):
    handle: int
    work_bytes: int


class Fourier:
    """The part of `interface.Libraries` that cuFFT answers."""

    _session: Session

    def __init__(self) -> None:
        # By stream, too: a plan that runs on two streams at once would share what it holds.
        self._plans: OrderedDict[tuple[Transform, int], _Plan] = OrderedDict()

    def transform(
        self, plan: Transform, source: int, result: int, inverse: bool, stream: int
    ) -> None:
        handle, work_bytes = self._plan(plan, stream)
        cufft = bindings().cufft
        run = getattr(cufft, _TYPES[plan.kind, plan.double][1])
        direction = (_INVERSE if inverse else _FORWARD,) if plan.kind == "C2C" else ()
        with (
            self._session.scratch(work_bytes, stream) as work,
            self._session.calling("cuFFT"),
        ):
            if work:
                cufft.set_work_area(handle, work)
            run(handle, source, result, *direction)

    def _plan(self, plan: Transform, stream: int) -> _Plan:
        key = (plan, stream)
        found = self._plans.get(key)
        if found is not None:
            self._plans.move_to_end(key)
            return found
        try:
            found = self._made(plan, stream)
        except OutOfMemory:
            while self._plans:
                self._give_up_oldest()
            found = self._session.retried("cuFFT", lambda: self._made(plan, stream))
        self._plans[key] = found
        if len(self._plans) > KEPT_PLANS:
            self._give_up_oldest()
        return found

    def _made(self, plan: Transform, stream: int) -> _Plan:
        cufft = bindings().cufft
        with self._session.calling("cuFFT"):
            handle = int(cufft.create())
            try:
                cufft.set_auto_allocation(handle, 0)
                work_bytes = cufft.make_plan_many64(
                    *(handle, len(plan.sizes), plan.sizes),
                    *(plan.source_embed, plan.source_stride, plan.source_distance),
                    *(plan.result_embed, plan.result_stride, plan.result_distance),
                    *(_TYPES[plan.kind, plan.double][0], plan.batch),
                )
                cufft.set_stream(handle, stream)
            except BaseException:
                cufft.destroy(handle)
                raise
        return _Plan(handle, int(work_bytes))

    def _give_up_oldest(self) -> None:
        _, plan = self._plans.popitem(last=False)
        with self._session.calling("cuFFT"):
            bindings().cufft.destroy(plan.handle)
