"""Writing files while training goes on."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class Background:
    """Runs jobs in one thread of its own, in order.

    Order matters: a checkpoint that knows of a best model must not be there before that
    model's file is. An error ends everything: it is raised to the next caller, and no
    later job runs.
    """

    def __init__(self):
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="files")
        self._jobs: list[Future] = []
        self._failed = False

    def submit(self, job: Callable[[], None]) -> None:
        """Queues a job. What it writes must be a copy that no one else changes.

        Raises:
            Exception: Whatever an earlier job raised.
        """
        self.check()
        self._jobs.append(self._executor.submit(self._run, job))

    @property
    def busy(self) -> bool:
        """Whether a job is still running or waiting."""
        return any(not job.done() for job in self._jobs)

    def check(self) -> None:
        """Raises what a job raised since the last call."""
        done = [job for job in self._jobs if job.done()]
        self._jobs = [job for job in self._jobs if job not in done]
        for job in done:
            job.result()

    def wait(self) -> None:
        """Returns once all jobs are done; raises what one of them raised."""
        jobs, self._jobs = self._jobs, []
        for job in jobs:
            job.result()

    def close(self) -> None:
        """Waits for the running jobs and ends the thread; raises nothing."""
        self._executor.shutdown(wait=True)

    def _run(self, job: Callable[[], None]) -> None:
        if self._failed:
            return
        try:
            job()
        except BaseException:
            self._failed = True
            raise
