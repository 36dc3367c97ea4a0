"""Runs of the program for ci/bench-scaling, when the machine is quiet."""
import json, os, pathlib, resource, shlex, statistics, subprocess, time

import scaling_scans as scans

ENV = os.environ | {"OMP_NUM_THREADS": "1", "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
LAUNCHER = shlex.split(os.environ.get("PTYCHOFLOW_MPIRUN", "mpirun --oversubscribe"))
ITERATIONS, WARM = 20, 3


def seconds(figures):
    return statistics.median(figures["seconds_per_iteration"][WARM:])


class Others:
    """What other programs take of this machine meanwhile, as a share of its cores."""

    @staticmethod
    def used():
        user, nice, system, idle, wait, irq, soft, steal = (int(n) for n in open("/proc/stat").readline().split()[1:9])
        ours = resource.getrusage(resource.RUSAGE_CHILDREN)
        busy = (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")
        return busy - ours.ru_utime - ours.ru_stime

    def __init__(self):
        self.clock, self.before = time.monotonic(), self.used()

    def share(self):
        return max(0.0, (self.used() - self.before) / (time.monotonic() - self.clock) / os.cpu_count())


class Bench:
    def __init__(self, build, folder, patience_s):
        """`patience_s`: how long to wait for others to leave the machine, at each measurement. Of a launcher whose ranks are
        not our children they would be taken for others: 0 is right there."""
        self.build, self.folder, self.patience_s = build, pathlib.Path(folder), patience_s
        self.files, self.disturbed = {}, []

    def scan(self, positions_px, frame):
        """A file with this scan; one is written but once."""
        key = (positions_px.tobytes(), frame)
        if key not in self.files:
            self.files[key] = self.folder / f"scan_{len(self.files)}.cxi"
            scans.write_cxi(self.files[key], positions_px, frame)
        return self.files[key]

    def forget_scans(self):
        for file in self.files.values():
            file.unlink()
        self.files.clear()

    def start(self, file, ranks, modes=1, distribution="auto", iterations=ITERATIONS, number=0):
        pipeline, report = (self.folder / f"run_{number}.{end}" for end in ("yaml", "json"))
        pipeline.write_text(scans.PIPELINE.format(file=file, distribution=distribution, iterations=iterations, modes=modes))
        launcher = [*LAUNCHER, "-n", str(ranks)] if ranks > 1 else []
        command = [*launcher, self.build / "bin/ptychoflow", "run", pipeline, "--threads", "1", "--backend", "cpu", "-q",
                   "--report", report]
        return subprocess.Popen([str(c) for c in command], env=ENV), report

    @staticmethod
    def end(started):
        process, report = started
        if process.wait():
            raise SystemExit(f"ptychoflow ended with {process.returncode}")
        return json.loads(report.read_text())["stages"]["ptycho_dm"]

    def run(self, *args, **more):
        return self.end(self.start(*args, **more))

    def undisturbed(self, measure):
        """measure() when other programs take less than a tenth of the machine: waits for that, and measures again, while
        patience lasts; else when they took least."""
        tried, patience_s = [], self.patience_s
        while True:
            quiet = False
            while patience_s > 0 and not quiet:
                others = Others()
                time.sleep(0.25)
                quiet = others.share() < 0.1
                patience_s -= 0.25
            others = Others()
            value = measure()
            tried.append((others.share(), value))
            if patience_s <= 0 or min(tried)[0] < 0.1:
                self.disturbed.append(min(tried)[0])
                return min(tried)[1]

    def program(self, name, *arguments, ranks=1):
        launcher = [*LAUNCHER, "-n", str(ranks)] if ranks > 1 else []
        command = [*launcher, self.build / "tests" / name, *arguments]
        return json.loads(subprocess.run([str(c) for c in command], env=ENV, check=True, text=True,
                                         stdout=subprocess.PIPE).stdout)
