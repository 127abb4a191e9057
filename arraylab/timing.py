"""Time functions honestly: check first, wait for results, compile outside the clock.

`compare` is the one way in; `bench` is a comparison of one, `sweep` one for each size.
What a variant goes through is in `_Run`, in the order in which it happens.
"""

import functools
import gc
import importlib
import inspect
import math
import numbers
import os
import random
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import numpy as np

from arraylab import arrays, records, units
from arraylab.clock import Clock
from arraylab.compilations import compilations
from arraylab.hardware import machine
from arraylab.inputs import copied, protected, put_back, same
from arraylab.limits import Share, peaks
from arraylab.memory import device_peak_memory, peak_memory
from arraylab.memory_apart import peaks_apart
from arraylab.results import NOISY, Comparison, Refused, Sweep, Timing
from arraylab.variants import Variant, variants_of
from arraylab.words import said

WARM_UPS = 4  # calls in which the number of compilations has to settle
FEWEST_ROUNDS = 3
SHORTEST_SAMPLE = 0.01  # s; shorter calls are repeated inside a sample
IMPOSSIBLE = 1.2  # times the measured limit of the machine
BIG_CONSTANT = 1 << 16  # bytes of a closed-over array worth refusing
BUSY_CANARY = 1.35  # a canary this much slower than usual: somebody else was working
BUSY_MACHINE = 0.25  # share of the machine used by others that spoils a time
BUSY_OTHERS = 0.1  # share of the machine used by others that is worth a note

# What first calls cost that compiled, by function, library and dtypes: (function, s,
# how many).
_FIRST_CALLS: dict[tuple, tuple[Any, float, int]] = {}

Check = Callable[..., Any] | None
_FROM_CASE: Any = object()  # the default of `check` and `work`


def compare(
    variants: Mapping[str, Any] | Iterable[Any] | ModuleType,
    *inputs: Any,
    check: Check = _FROM_CASE,
    work: Any = _FROM_CASE,
    reference: str = "",
    rounds: int = 9,
    max_seconds: float = 5.0,
    mutates: bool = False,
    fresh: Callable[[], tuple] | None = None,
    cold: bool = False,
    memory: bool = False,
    allow_dtype: bool = False,
    clock: Clock | None = None,
    seed: int = 0,
) -> Comparison:
    """Time `variants` on the same `inputs`, in shuffled rounds, once they are right.

    Parameters
    ----------
    variants : mapping of name to function, or iterable, or a case study
        Functions; implementations of a case study ("grid_max.jax_vmap", or the module);
        `Variant`s.  A case study itself stands for all its implementations.  The
        library is read from the start of the name ("jax_vmap", "Numba, parallel") and
        decides where the inputs are placed.
    *inputs
        NumPy arrays and anything else the functions take.
    check : callable or None
        `check(result, *inputs)` raises AssertionError (or returns False) for a wrong
        result; `result` is on the host.  None times what nobody checks, and says so.
        Left out, the check of the case study is used.
    work : callable, (operations, bytes) or None
        The least work, for the share of the machine's limit.  A case brings its own.
    reference : str
        The row to compare with; the first if left out.
    rounds, max_seconds : int, float
        Samples a variant at most, and about how many seconds they may take.
    mutates : bool
        The functions change their inputs: every sample gets them as they were.
    fresh : callable, optional
        Returns new inputs for every sample (so that no branch is learnt by heart).
    cold : bool
        Clear the caches before every sample.
    memory : bool
        Also measure peak memory: of implementations of case studies in a process of
        their own (`peaks_apart`), of other functions in one further call here.
    allow_dtype : bool
        Admit results of different dtypes; the table then shows them.
    clock, seed
        For tests: another clock, the seed of the shuffling.

    Returns
    -------
    Comparison
        A row a variant.  A row that cannot be trusted has a verdict and no time; an
        exception or an interrupt in one variant leaves the others' results alone.

    Notes
    -----
    The loop around a call costs about 0.1 µs; the notes say so where that matters.
    """
    contenders = [_Contender(v) for v in variants_of(variants)]
    check, work = _from_case(contenders, check, work)
    _be_sensible(contenders, check, reference, rounds)
    conditions = _Conditions(
        check=check,
        work=_pair(work(*inputs) if callable(work) else work),
        rounds=rounds,
        max_seconds=max_seconds,
        mutates=mutates,
        fresh=fresh,
        cold=cold,
        memory=memory,
        allow_dtype=allow_dtype,
    )
    run = _Run(inputs, conditions, clock or Clock())
    reference = reference or contenders[0].variant.name
    return run.all_of(contenders, reference, random.Random(seed))


def bench(fn: Any, *inputs: Any, name: str = "", **options: Any) -> Timing:
    """Time one function; options as for `compare`.

    Raises
    ------
    Refused
        If no time can be reported; the message says why.
    """
    row = compare({name: fn} if name else [fn], *inputs, **options)[0]
    if not row.reported:
        raise Refused(f"{row.name}: {row.verdict}, {row.message}")
    return row


def sweep(
    variants: Mapping[str, Any] | Iterable[Any] | ModuleType,
    sizes: Sequence[int],
    make_inputs: Callable[[int], tuple],
    *,
    too_slow: float = 1.0,
    **options: Any,
) -> Sweep:
    """Compare `variants` at every size; one slower than `too_slow` seconds drops out.

    Parameters
    ----------
    sizes : sequence of int
        Rising.
    make_inputs : callable
        `make_inputs(size)` returns the tuple of inputs.
    too_slow : float
        Seconds a call above which a variant is left out of the larger sizes.
    **options
        As for `compare`.
    """
    if list(sizes) != sorted(set(sizes)) or not sizes:
        raise ValueError(f"sizes have to rise, without repeats; got {list(sizes)}")
    running, comparisons = variants_of(variants), []
    for size in sizes:
        comparison = compare(running, *_as_tuple(make_inputs(size)), **options)
        comparisons.append(comparison)
        out = {r.name for r in comparison if r.reported and r.median > too_slow}
        out |= {r.name for r in comparison if r.verdict == "STOPPED"}
        running = [v for v in running if v.name not in out]
        if options.get("reference") in out:
            options = options | {"reference": ""}
        if not running:
            break
    return Sweep(tuple(sizes[: len(comparisons)]), tuple(comparisons))


def matches(expected: Any, rtol: float | None = None, atol: float = 0.0) -> Check:
    """Return a check that a result has the shape and the values of `expected`.

    The tolerance follows the lower precision of the two: half of its digits, unless
    `rtol` says otherwise.
    """

    def check(result: Any, *_: Any) -> None:
        got, wanted = np.asarray(result), np.asarray(expected)
        if got.shape != wanted.shape:
            raise AssertionError(f"expected shape {wanted.shape}, got {got.shape}")
        kinds = [a.dtype for a in (got, wanted) if a.dtype.kind in "fc"]
        loosest = max((float(np.finfo(k).eps) for k in kinds), default=0.0)
        np.testing.assert_allclose(
            got, wanted, rtol=math.sqrt(loosest) if rtol is None else rtol, atol=atol
        )

    return check


class _Refusal(Exception):
    """Ends the measurement of one variant with a verdict and a sentence."""

    def __init__(self, verdict: str, message: str):
        super().__init__(message)
        self.verdict, self.message = verdict, message


@dataclass
class _Sample:
    """What one timed loop read, per call; `wall` and the rest in seconds."""

    round: int
    wall: float
    cpu: float
    faults: float
    canary: float


@dataclass
class _Contender:
    """A variant on its way through a measurement."""

    variant: Variant
    verdict: str = ""
    message: str = ""
    placed: tuple = ()
    device: str = "cpu"
    result_dtype: str = ""
    waiter: Callable[[Any], Any] | None = None
    number: int = 1  # calls a sample
    wanted: int = 0  # samples
    place: float | None = None
    first: float | None = None
    finish: float | None = None
    compiled: int = 0
    memory: int | None = None
    samples: list[_Sample] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.variant.name


@dataclass(frozen=True)
class _Conditions:
    """What the caller asked for; see `compare`."""

    check: Check
    work: Any
    rounds: int
    max_seconds: float
    mutates: bool
    fresh: Callable[[], tuple] | None
    cold: bool
    memory: bool
    allow_dtype: bool

    @property
    def one_call_a_sample(self) -> bool:
        return bool(self.mutates or self.fresh or self.cold)


class _Run:
    """One comparison: the inputs, the conditions, the clock."""

    def __init__(self, inputs: tuple, conditions: _Conditions, clock: Clock):
        self.inputs, self.on, self.clock = inputs, conditions, clock
        self.pristine = tuple(map(copied, inputs))
        self.threads_spin = True  # until a sample has shown otherwise
        self.clear_caches = _cache_clearer() if conditions.cold else None

    def attempt(
        self, c: _Contender, step: Callable[[_Contender], None], thorough: bool = True
    ) -> None:
        """Take `step` with `c` unless it is out; what it raises becomes its verdict.

        Whatever happens, the next variant finds the inputs as they were.
        """
        if c.verdict:
            return
        try:
            step(c)
        except _Refusal as refusal:
            c.verdict, c.message = refusal.verdict, refusal.message
        except arrays.LazyResult as error:
            c.verdict, c.message = "LAZY", str(error)
        except KeyboardInterrupt:
            c.verdict, c.message = "STOPPED", "interrupted from the keyboard"
        except (Exception, SystemExit) as error:
            c.verdict = "RAISED"
            c.message = f"{type(error).__name__}: {said(error, 4)}"
        self.look_for_changes(c, thorough)

    def all_of(
        self, contenders: list[_Contender], reference: str, shuffler: random.Random
    ) -> Comparison:
        """Take every contender through all steps and report."""
        for contender in contenders:
            self.attempt(contender, self.prepare)
        self.compare_dtypes(contenders)
        gc.collect()
        start, cpu, busy = self.clock.wall(), self.clock.cpu(), self.clock.busy()
        for i in range(self.on.rounds):
            for contender in shuffler.sample(contenders, len(contenders)):
                if i < contender.wanted:
                    sample = functools.partial(self.sample, round=i)
                    self.attempt(contender, sample, thorough=False)
        others = self.others(start, cpu, busy)
        for contender in contenders:
            self.attempt(contender, self.conclude)
        if self.on.memory:
            self.take_memory([c for c in contenders if not c.verdict])
        rows = tuple(self.report(c, others) for c in contenders)
        return Comparison(
            rows,
            reference,
            machine().title,
            datetime.now(UTC).isoformat(timespec="seconds"),
            machine().json(),
            self.notes(rows, others),
        )

    def prepare(self, c: _Contender) -> None:
        """Place the inputs, call once, check, warm up, and plan the samples."""
        if why := arrays.missing(c.variant.library):
            raise _Refusal("ABSENT", why)
        _refuse_constants(c.variant.fn)
        c.place = self.placing(c)
        compiled = compilations()
        start = self.clock.wall()
        result = c.variant.fn(*c.placed)
        c.waiter = arrays.waiter(result)  # a Dask graph no longer is one afterwards
        result = c.waiter(result) if c.waiter else result
        c.first = self.clock.wall() - start
        c.compiled = compilations() - compiled
        self.judge(result)
        c.device = arrays.device_of((c.placed, result))
        c.result_dtype = arrays.dtype_of(result)
        seconds = self.warm_up(c, result)
        del result  # a result that is kept changes what the next call costs
        self.remember_first_call(c)
        c.number = max(1, math.ceil(SHORTEST_SAMPLE / seconds))
        if self.on.one_call_a_sample:
            c.number = 1
        affordable = int(self.on.max_seconds / (seconds * c.number))
        c.wanted = min(self.on.rounds, max(FEWEST_ROUNDS, affordable))

    def placing(self, c: _Contender) -> float | None:
        """Place the inputs for `c`; return the seconds it took, None on the host."""
        hosted = c.variant.library in ("", "python", "numpy", "numba", "array_api")
        if hosted or not any(isinstance(a, np.ndarray) for a in self.inputs):
            c.placed = arrays.place(c.variant.library, *self.inputs)
            return None
        taken = []
        for _ in range(3):
            arrays.drain()
            start = self.clock.wall()
            c.placed = arrays.place(c.variant.library, *self.inputs)
            taken.append(self.clock.wall() - start)
        return statistics.median(taken)

    def judge(self, result: Any) -> None:
        """Refuse a result that is absent or wrong."""
        if result is None:
            raise _Refusal(
                "NOTHING",
                "returned None; a result that nobody receives need not be computed, so "
                "it cannot be timed. Return it",
            )
        if self.on.check is None:
            return
        try:
            verdict = self.on.check(
                arrays.finish(result), *map(protected, self.pristine)
            )
        except AssertionError as error:
            raise _Refusal("WRONG", said(error, 4)) from None
        except Exception as error:
            reason = f"the check could not judge it: {type(error).__name__}"
            raise _Refusal("WRONG", f"{reason}: {said(error, 4)}") from None
        if verdict is False:
            raise _Refusal("WRONG", "the check returned False")

    def look_for_changes(self, c: _Contender, thorough: bool) -> None:
        """Refuse a variant that changed its inputs, and put them right again."""
        pairs = list(zip(self.pristine, self.inputs, strict=True))
        changed = [i for i, (a, b) in enumerate(pairs) if not same(a, b, thorough)]
        for i in changed:
            put_back(self.inputs[i], self.pristine[i])
        if changed and not self.on.mutates and c.verdict not in ("RAISED", "STOPPED"):
            c.verdict = "MUTATES"
            c.message = (
                f"changed its input number {changed[0] + 1}, so that every call works "
                "on other data than the one before. Work on a copy, or say "
                "mutates=True to give every call the inputs as they were"
            )

    def look_for_memories(self, c: _Contender, array: Any) -> None:
        """Refuse a function that handed out the same `array` twice without computing.

        It may also be a buffer that is filled anew at each call: spoil it, and see.
        """
        inputs = [a for a in c.placed if isinstance(a, np.ndarray)]
        if isinstance(array, np.ndarray):
            ours = array.dtype.kind in "biufc" and array.flags.writeable
            if not ours or any(np.may_share_memory(array, a) for a in inputs):
                return
            kept = array.copy()
            array.fill(0)
            self.restore(c)
            arrays.wait(c.variant.fn(*c.placed))
            remembered = kept.any() and not array.any()
            np.copyto(array, kept)
        else:
            remembered = hasattr(array, "block_until_ready") and all(
                array is not a for a in c.placed
            )
        if remembered:
            raise _Refusal(
                "CACHED",
                "handed out the array of an earlier call again without computing it",
            )

    def remember_first_call(self, c: _Contender) -> None:
        """Keep what compiling cost: a later comparison would not see it any more."""
        dtypes = tuple(str(getattr(a, "dtype", "")) for a in self.inputs)
        key = id(c.variant.fn), c.variant.library, dtypes
        if c.compiled:
            _FIRST_CALLS[key] = (c.variant.fn, c.first, c.compiled)
        elif key in _FIRST_CALLS and _FIRST_CALLS[key][0] is c.variant.fn:
            _, c.first, c.compiled = _FIRST_CALLS[key]

    def warm_up(self, c: _Contender, first: Any) -> float:
        """Call until nothing compiles any more; return the seconds of the last call.

        `first` is the result of the first call.
        """
        if not c.compiled and c.first > self.on.max_seconds / FEWEST_ROUNDS:
            return c.first  # too slow for a call that would teach nothing
        for _ in range(WARM_UPS):
            self.restore(c)
            before, start = compilations(), self.clock.wall()
            result = arrays.wait(c.variant.fn(*c.placed))
            seconds = self.clock.wall() - start
            if compilations() == before:
                both = zip(arrays.leaves(first), arrays.leaves(result), strict=False)
                for before, now in both:
                    if now is before:
                        self.look_for_memories(c, now)
                return max(seconds, 1e-9)
        raise _Refusal(
            "RECOMPILES",
            f"compiled something in each of {WARM_UPS} calls with the same inputs: "
            f"{units.seconds(seconds)} a call, most of it compiling. Build the "
            "compiled function once, outside: a fresh lambda is a new function",
        )

    def sample(self, c: _Contender, round: int) -> None:
        """Time one sample: quiet first, then `c.number` calls, each one waited for."""
        self.restore(c)
        if self.clear_caches:
            self.clear_caches()
        arrays.drain()
        if self.threads_spin:
            self.clock.settle()
        canary, compiled = self.clock.canary(), compilations()
        result, wall, cpu, faults = self.loop(c)
        canary = max(canary, self.clock.canary())
        if (extra := compilations() - compiled) > 0:
            raise _Refusal(
                "RECOMPILES", f"compiled {extra} times while it was being timed"
            )
        self.threads_spin = cpu > 1.1 * wall
        n = c.number
        c.samples.append(_Sample(round, wall / n, cpu / n, faults / n, canary))
        if round == c.wanted - 1:  # still right after all those calls?
            self.judge(result)

    def loop(self, c: _Contender) -> tuple[Any, float, float, int]:
        """Call `c.number` times; return the last result, wall s, CPU s, page faults."""
        fn, placed, waiter = c.variant.fn, c.placed, c.waiter
        clock, collecting = self.clock, gc.isenabled()
        gc.disable()
        try:
            faults, cpu, start = clock.faults(), clock.cpu(), clock.wall()
            if waiter:
                for _ in range(c.number - 1):
                    waiter(fn(*placed))
                result = waiter(fn(*placed))
            else:
                for _ in range(c.number - 1):
                    fn(*placed)
                result = fn(*placed)
            wall = clock.wall() - start
            return result, wall, clock.cpu() - cpu, clock.faults() - faults
        finally:
            if collecting:
                gc.enable()

    def restore(self, c: _Contender) -> None:
        """Give `c` the inputs it has to have for its next call."""
        if self.on.fresh:
            self.inputs = _as_tuple(self.on.fresh())
            self.pristine = tuple(map(copied, self.inputs))
        elif self.on.mutates:
            for now, before in zip(self.inputs, self.pristine, strict=True):
                put_back(now, before)
        else:
            return
        c.placed = arrays.place(c.variant.library, *self.inputs)

    def conclude(self, c: _Contender) -> None:
        """Time what comes after the call."""
        self.look_at_device(c)
        if c.place is not None and c.variant.library != "dask":
            c.finish = self.finishing(c)

    def take_memory(self, contenders: list[_Contender]) -> None:
        """Measure peak memory: implementations of cases apart, all others here."""
        on_cpu = [c for c in contenders if c.variant.case and c.device == "cpu"]
        apart = peaks_apart([c.variant.address for c in on_cpu], self.pristine)
        for c in contenders:
            if c in on_cpu:
                c.memory = apart.get(c.variant.address)
            else:
                self.attempt(c, self.take_memory_here)

    def take_memory_here(self, c: _Contender) -> None:
        """Measure the peak memory of a function that only this process has."""
        self.restore(c)
        peak = peak_memory if c.device == "cpu" else device_peak_memory
        c.memory = peak(c.variant.fn, *c.placed)

    def look_at_device(self, c: _Contender) -> None:
        """Refuse a variant that changed the copies of its inputs on a GPU."""
        if self.on.mutates or c.variant.library not in ("cupy", "numba_cuda"):
            return
        for i, (before, now) in enumerate(zip(self.pristine, c.placed, strict=True)):
            if isinstance(before, np.ndarray) and not same(before, arrays.finish(now)):
                raise _Refusal(
                    "MUTATES", f"changed its input number {i + 1} on the GPU"
                )

    def finishing(self, c: _Contender) -> float:
        """Return the median seconds of bringing a new result to the host."""
        taken = []
        for _ in range(3):
            result = arrays.wait(c.variant.fn(*c.placed))
            start = self.clock.wall()
            arrays.finish(result)
            taken.append(self.clock.wall() - start)
        return statistics.median(taken)

    def compare_dtypes(self, contenders: list[_Contender]) -> None:
        """Refuse results of another dtype than the first one that has a dtype."""
        if self.on.allow_dtype:
            return
        leader = None
        for c in contenders:
            dtype = c.result_dtype
            if c.verdict or not dtype:
                continue
            leader = leader or (c.name, dtype)
            if dtype != leader[1]:
                c.verdict = "DTYPE"
                c.message = (
                    f"returned {dtype} where {leader[0]} returned {leader[1]}: "
                    "different precision is different work. Make them alike, or say "
                    "allow_dtype=True and the table will show it"
                )

    def report(self, c: _Contender, others: float) -> Timing:
        """Return the row of `c`, its verdict decided."""
        v = c.variant
        row = Timing(
            name=v.name,
            library=v.library,
            case=v.case,
            implementation=v.implementation,
            dtype=_dtype_of_inputs(self.inputs),
            shapes=_shapes_of_inputs(self.inputs),
            verdict=c.verdict,
            message=c.message,
            code=records.code_hash(v.case, v.implementation) if v.case else "",
        )
        if c.verdict:
            return row
        kept, message = self.kept(c)
        if others > BUSY_MACHINE and c.device == "cpu":
            message = f"other programs used {others:.0%} of the machine"
        row = replace(
            row,
            verdict="ok",
            device=c.device,
            result_dtype=c.result_dtype,
            seconds=tuple(s.wall for s in kept),
            rounds=tuple(s.round for s in kept),
            first=c.first,
            place=c.place,
            finish=c.finish,
            compiled=c.compiled,
            cores=statistics.median(s.cpu / s.wall for s in kept),
            faults=statistics.median(s.faults for s in kept),
            memory=c.memory,
        )
        return self.judged(row, message)

    def kept(self, c: _Contender) -> tuple[list[_Sample], str]:
        """Return the samples taken in quiet, all if too few were, and why not all."""
        usual = statistics.median(s.canary for s in c.samples)
        quiet = [s for s in c.samples if s.canary <= BUSY_CANARY * usual]
        if len(quiet) < FEWEST_ROUNDS:
            return c.samples, "something else used the machine while this was timed"
        return quiet, ""

    def judged(self, row: Timing, message: str) -> Timing:
        """Return `row` with its share of the limit and the verdict it has earned."""
        if (share := self.share(row)) and share.fraction > IMPOSSIBLE:
            share = self.share(row, refresh=True)  # was the limit taken on a busy day?
            if share.fraction > IMPOSSIBLE:
                reason = (
                    f"{units.seconds(row.median)} a call would be {share}: the work "
                    "was not done inside the clock (folded at compile time, left out, "
                    "never waited for)"
                )
                return replace(
                    row, seconds=(), rounds=(), verdict="IMPOSSIBLE", message=reason
                )
        row = replace(row, share=share)
        if not message and row.spread > NOISY:
            message = "the samples scatter"
        if self.on.check is None:
            unchecked = "nobody has checked this result"
            message = f"{unchecked}, and {message}" if message else unchecked
            return replace(row, verdict="UNCHECKED", message=message)
        return replace(row, verdict="NOISY", message=message) if message else row

    def share(self, row: Timing, refresh: bool = False) -> Share | None:
        """Return the share that `row` reached of its device's limit, if it is known."""
        if self.on.work is None:
            return None
        try:
            limit = peaks("cpu" if row.device == "cpu" else "gpu", refresh=refresh)
        except RuntimeError:  # a GPU that neither CuPy nor JAX can measure
            return None
        return limit.share(row.median, *self.on.work, _working_dtype(row))

    def others(self, start: float, cpu: float, busy: float | None) -> float:
        """Return the share of the machine that other programs used meanwhile."""
        after, wall = self.clock.busy(), self.clock.wall() - start
        if busy is None or after is None or wall <= 0:
            return 0.0
        theirs = (after - busy) - (self.clock.cpu() - cpu)
        return max(0.0, theirs / wall / (os.cpu_count() or 1))

    def notes(self, rows: tuple[Timing, ...], others: float) -> tuple[str, ...]:
        """Return what a reader has to know about the conditions."""
        notes = []
        if self.on.cold:
            notes.append("Caches were cleared before every sample.")
        if self.on.mutates:
            notes.append("Every call got its inputs as they were at first.")
        if self.on.fresh:
            notes.append("Every call got new inputs.")
        if others > BUSY_OTHERS:
            notes.append(f"Other programs used {others:.0%} of the machine meanwhile.")
        if any(row.verdict == "NOISY" for row in rows):
            notes.append(
                "NOISY rows want a quieter machine: close programs, run again."
            )
        if self.on.memory and any(r.reported and r.memory is None for r in rows):
            notes.append("No memory stands where it cannot be told (see peak_memory).")
        fastest = min((r.median for r in rows if r.reported), default=1.0)
        overhead = self.clock.overhead()
        if overhead > 0.02 * fastest:
            notes.append(
                f"The loop around each call costs {units.seconds(overhead, 2)}, and is "
                "part of the times."
            )
        return tuple(notes)


def _from_case(contenders: list[_Contender], check: Any, work: Any) -> tuple[Any, Any]:
    """Return `check` and `work`, from the case study where they were left out."""
    cases = {c.variant.case for c in contenders}
    if len(cases) == 1 and (case := cases.pop()):
        problem = importlib.import_module(f"case_studies.{case}.problem")
        return (
            problem.check if check is _FROM_CASE else check,
            problem.work if work is _FROM_CASE else work,
        )
    if check is _FROM_CASE:
        raise TypeError(
            "compare needs a check: check=function(result, *inputs) that raises "
            "AssertionError when the result is wrong, such as arraylab.matches("
            "expected); check=None times it unchecked, and the table says so"
        )
    return check, None if work is _FROM_CASE else work


def _be_sensible(
    contenders: list[_Contender], check: Any, reference: str, rounds: int
) -> None:
    """Complain about arguments that cannot be meant."""
    if check is not None and not callable(check):
        raise TypeError(f"check must be a function or None, got {check!r}")
    if rounds < FEWEST_ROUNDS:
        raise ValueError(
            f"rounds={rounds}: one run is no measurement, say at least {FEWEST_ROUNDS}"
        )
    names = [c.name for c in contenders]
    if reference and reference not in names:
        raise ValueError(f"the reference {reference!r} is none of {', '.join(names)}")


def _refuse_constants(fn: Any) -> None:
    """Refuse a compiled function with a large array baked in: it may be folded away."""
    compiled = hasattr(fn, "lower") or hasattr(fn, "py_func")
    inner = getattr(fn, "py_func", None) or inspect.unwrap(fn)
    if not compiled or not hasattr(inner, "__code__"):
        return
    found = inspect.getclosurevars(inner)
    for name, value in {**found.globals, **found.nonlocals}.items():
        nbytes = getattr(value, "nbytes", 0)
        if isinstance(nbytes, int) and nbytes > BIG_CONSTANT:
            raise _Refusal(
                "CONSTANT",
                f"{name} ({units.size(nbytes)}) is not an argument but a constant of "
                "the compiled program, which may do its work at compile time. Pass it",
            )


def _dtype_of_inputs(inputs: tuple) -> str:
    """Return the dtypes of the input arrays: of those of floats, if there are any.

    Where no array is of floats, NumPy's own numbers count, such as a unit.
    """
    typed = [a for a in inputs if hasattr(a, "dtype")]
    found = {a.dtype for a in typed if np.shape(a)}
    floats = {dtype for dtype in found if dtype.kind in "fc"}
    single = {a.dtype for a in typed if not np.shape(a) and a.dtype.kind in "fc"}
    return ", ".join(sorted(map(str, floats or single or found)))


def _shapes_of_inputs(inputs: tuple) -> tuple[tuple[int, ...], ...]:
    """Return the shapes of the input arrays; a whole number counts as (number,)."""
    shapes = []
    for value in inputs:
        if hasattr(value, "dtype") and np.shape(value):
            shapes.append(tuple(map(int, value.shape)))
        elif isinstance(value, numbers.Integral) and not isinstance(value, bool):
            shapes.append((int(value),))
    return tuple(shapes)


def _working_dtype(row: Timing) -> str:
    """Return the dtype whose flop rate `row` is held against: the inputs' floats."""
    names = f"{row.dtype}, {row.result_dtype}".split(", ")
    return next((n for n in names if n.startswith(("float", "complex"))), "float64")


def _pair(work: Any) -> tuple[float, float] | None:
    """Return the least work as (operations, bytes); raise ValueError if it is not."""
    if work is None:
        return None
    try:
        operations, nbytes = work
        return float(operations), float(nbytes)
    except (TypeError, ValueError):
        raise ValueError(
            f"work must give two numbers, (operations, bytes), and gave {work!r}"
        ) from None


def _as_tuple(inputs: Any) -> tuple:
    """Return inputs as a tuple; a single array is one input, not one a row."""
    return tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)


def _cache_clearer() -> Callable[[], None]:
    """Return a function that fills the caches with something else."""
    junk = np.zeros(max(2 * peaks().last_level_cache, 1 << 26) // 8)

    def clear() -> None:
        np.add(junk, 1.0, out=junk)

    return clear
