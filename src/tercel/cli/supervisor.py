"""How many workers should run, which should start and which should leave: decisions, no I/O.

In: what has happened (a worker is ready, has ended; a signal has come), each with the time in
seconds. Out: the list of actions to take now: `Start`, `Leave`, `Stop`, `Kill`, `Say`. Knows
neither processes nor sockets nor the clock; workers are numbered, and numbers are never used again.
"""

from dataclasses import dataclass

__all__ = ("Action", "Kill", "Leave", "Say", "Start", "Stop", "Supervisor", "Worker")

#: Seconds before a worker that died is replaced: at once, then twice as long each time.
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
#: Seconds of life after which a worker's death says nothing about those before it.
GOOD_LIFE = 60.0
#: Deaths in a row after which the supervisor gives up.
MAX_DEATHS = 10


@dataclass(frozen=True)
class Start:
    """Start worker `number`."""

    number: int


@dataclass(frozen=True)
class Leave:
    """Have worker `number` answer what it has and end: another one has taken its place."""

    number: int


@dataclass(frozen=True)
class Stop:
    """Have worker `number` end in good order: everything ends."""

    number: int


@dataclass(frozen=True)
class Kill:
    """End worker `number` now: it had its time."""

    number: int


@dataclass(frozen=True)
class Say:
    """Tell the log."""

    text: str
    is_error: bool = False


Action = Start | Leave | Stop | Kill | Say


@dataclass
class Worker:
    """What is known of one worker."""

    generation: int
    started: float
    is_ready: bool = False
    #: When it is killed if it is still there; None while nobody wants it to end.
    due: float | None = None


class Supervisor:
    """Keeps `wanted` workers of the newest generation.

    `patience` is how many seconds a worker that is told to end may take. With `waits_for_change`
    a generation that can't start is waited out, as under --reload, else it ends everything, unless
    an older one still serves. `exit_code` is that of the whole, once `is_done`.
    """

    def __init__(self, wanted: int, *, patience: float, waits_for_change: bool = False) -> None:
        self.wanted = wanted
        self.exit_code = 0
        self.failure = ""
        self.workers: dict[int, Worker] = {}
        self._patience = patience
        self._waits_for_change = waits_for_change
        self._generation = 0
        self._last_good = -1
        self._next = 1
        self._deaths = 0
        self._not_before = 0.0
        self._is_stopping = False
        self._is_broken = False

    @property
    def is_stopping(self) -> bool:
        """True once everything is to end."""
        return self._is_stopping

    @property
    def is_done(self) -> bool:
        """True when everything was to end and has."""
        return self._is_stopping and not self.workers

    def next_time(self) -> float | None:
        """When `decide` is to be asked again though nothing happens; None for never."""
        times = [worker.due for worker in self.workers.values() if worker.due is not None]
        if self._not_before and not self._is_stopping and not self._is_broken:
            times.append(self._not_before)
        return min(times, default=None)

    # What has happened.

    def ready(self, number: int) -> list[Action]:
        """Worker `number` serves."""
        worker = self.workers.get(number)
        if worker is None:
            return []
        worker.is_ready = True
        self._last_good = max(self._last_good, worker.generation)
        return [Say(f"worker {number} is ready")]

    def ended(self, number: int, now: float, code: int, failure: str = "") -> list[Action]:
        """Worker `number` is gone; `failure` is its sentence where it could not start."""
        worker = self.workers.pop(number)
        if self._is_stopping or worker.due is not None:
            return [] if self.failure else [Say(f"worker {number} has ended")]
        if not worker.is_ready and self._last_good < worker.generation:
            return self._cannot_start(worker, code, failure)
        self._deaths = 1 if now - worker.started >= GOOD_LIFE else self._deaths + 1
        how = f"by signal {-code}" if code < 0 else f"with code {code}"
        said: list[Action] = [Say(f"worker {number} has ended {how}: it is replaced", True)]
        if self._deaths > MAX_DEATHS:
            said.append(Say(f"{self._deaths} workers in a row did not live: giving up", True))
            return said + self._give_up(1, failure)
        if self._deaths > 1:
            pause = min(FIRST_PAUSE * 2 ** (self._deaths - 2), LONGEST_PAUSE)
            self._not_before = now + pause
        return said

    def _cannot_start(self, worker: Worker, code: int, failure: str) -> list[Action]:
        """The newest generation does not start: keep the older one, or wait, or end."""
        if worker.generation < self._generation:
            return []
        reason = failure or f"a worker has ended with code {code} before it was ready"
        has_older = any(each.is_ready and each.due is None for each in self.workers.values())
        if has_older or self._waits_for_change:
            rest = "the old code serves on" if has_older else "waiting for a change"
            self._is_broken = True
            return [Say(f"{reason} ({rest})", True)]
        return self._give_up(2 if code == 2 else 1, reason)

    def _give_up(self, code: int, reason: str) -> list[Action]:
        if not self._is_stopping:
            self.exit_code = code
            self.failure = reason
            self._is_stopping = True
        return []

    # What is wanted.

    def replace(self) -> None:
        """Another generation is to take over, such as after SIGHUP or a change of the code."""
        self._generation += 1
        self._is_broken = False
        self._not_before = 0.0
        self._deaths = 0

    def change_number(self, by: int) -> None:
        """One worker more or less; there is always one."""
        self.wanted = max(1, self.wanted + by)

    def stop(self) -> None:
        """Everything is to end in good order."""
        self._is_stopping = True

    def decide(self, now: float) -> list[Action]:
        """What to do now, so that what is comes nearer to what is wanted."""
        actions: list[Action] = []
        for number, worker in self.workers.items():
            if worker.due is not None and now >= worker.due:
                worker.due = now + self._patience
                actions.append(Kill(number))
        if self._is_stopping:
            actions += [Stop(number) for number in self._dismiss(self._staying(), now)]
            return actions
        staying = self._staying()
        newest = [n for n in staying if self.workers[n].generation == self._generation]
        older = [n for n in staying if self.workers[n].generation < self._generation]
        ready = [n for n in newest if self.workers[n].is_ready]
        if self._is_broken:
            # What has begun of a generation that can't start is not wanted either.
            halves = [n for n in newest if not self.workers[n].is_ready] if older else []
            return actions + [Leave(n) for n in self._dismiss(halves, now)]
        # Who has been overtaken while starting serves nobody; of the others, as many may leave as
        # have been replaced.
        serving = [n for n in older if self.workers[n].is_ready]
        surplus = max(len(ready) + len(serving) - self.wanted, 0)
        leaving = [n for n in older if n not in serving] + (serving + ready)[:surplus]
        actions += [Leave(number) for number in self._dismiss(leaving, now)]
        if now < self._not_before:
            return actions
        self._not_before = 0.0
        missing = self.wanted - len(newest)
        if older:  # one after the other, so that the memory of one more is enough
            missing = min(missing, 1 - (len(newest) - len(ready)))
        for _ in range(max(missing, 0)):
            self.workers[self._next] = Worker(self._generation, now)
            actions.append(Start(self._next))
            self._next += 1
        return actions

    def _staying(self) -> list[int]:
        return [number for number, worker in self.workers.items() if worker.due is None]

    def _dismiss(self, numbers: list[int], now: float) -> list[int]:
        for number in numbers:
            self.workers[number].due = now + self._patience
        return numbers
