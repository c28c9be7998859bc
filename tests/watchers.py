"""Who is told how runs of a comparison go on, for tests: everything is remembered, and a stop can be asked for."""

__all__ = ["Watcher"]


class Watcher:
    """Remembers what it is told, a line for each thing.

    Args:
        stop_at: The way to train at whose first epoch Ctrl-C is pressed.
        logs: Whether what an epoch logged is remembered too.
    """

    def __init__(self, stop_at=None, *, logs=False):
        self.said, self.stop_at, self.logs = [], stop_at, logs

    def warn(self, text):
        self.said.append(text)

    def began(self, job):
        self.said.append(f"{job.cell} began")

    def epoch(self, job, epoch, epochs, logs):
        self.said.append(f"{job.cell} {epoch}/{epochs}{f' {logs}' if self.logs else ''}")
        if job.cell == self.stop_at:
            raise KeyboardInterrupt

    def ended(self, job, status, run):
        self.said.append(f"{job.cell} {status}")
