"""Time of an iteration on many ranks: what is counted follows from geometry, what is timed from a few measured rates.
docs/SCALING.md explains it; ci/bench-scaling measures the rates and prints what follows."""
import dataclasses, itertools, math

import numpy as np

COMPLEX, REAL = 8, 4  # bytes, single precision
MARGIN_PX = 4         # of the object, on each side (core/ptycho/geometry.hpp)
RATIO_BYTES = 2 * 70 * 8  # of an ε or R: two exact sums (core/base/exact_sum.hpp)


@dataclasses.dataclass(frozen=True)
class Link:
    """Between two ranks, each of which has one to itself."""
    name: str
    latency_s: float
    bytes_per_s: float


@dataclasses.dataclass(frozen=True)
class Rates:
    """Seconds of one rank."""
    name: str
    view_mode: float       # of a view and mode: transforms, ψ, numerators
    view: float            # of a view, whatever its modes: magnitudes, denominator of the probe
    window: float          # of a view, own or another rank's, in the object's denominator
    pixel: float           # of a pixel of the object that the rank holds: quotient, clearing
    fixed: float           # of an iteration whatever the size
    shared_pixel: float    # of a pixel that is sent, in memory: packing and adding up
    shared_range: float = 0  # of shared rows above, or below: a GPU's go through the processor, which adds them up


@dataclasses.dataclass(frozen=True)
class Case:
    """What is reconstructed."""
    tops: np.ndarray  # first row of each view's window, in scan order
    width: int        # of the object
    height: int
    frame: int
    modes: int = 1

    @staticmethod
    def of(positions_px, frame, modes=1):
        height, width = np.ptp(positions_px, 0) + frame + 2 * MARGIN_PX
        return Case(positions_px[:, 0] - positions_px[:, 0].min() + MARGIN_PX, int(width), int(height), frame, modes)

    @staticmethod
    def square(views, step_px, frame, modes=1):
        """A raster scan as high as wide."""
        points = math.isqrt(views - 1) + 1
        tops = (np.arange(views) // points) * step_px + MARGIN_PX
        return Case(tops, (points - 1) * step_px + frame + 2 * MARGIN_PX, int(tops[-1]) + frame + MARGIN_PX, frame, modes)


@dataclasses.dataclass(frozen=True)
class Layout:
    """By rank."""
    whole: bool              # all ranks hold all rows, and the object is an allreduce
    views: np.ndarray
    shared_views: np.ndarray  # that touch rows which others hold, too: computed before anything is sent
    rows_held: np.ndarray
    rows_sent: np.ndarray    # over all neighbours
    neighbours: np.ndarray
    windows: np.ndarray      # views of all ranks that touch the rows held


def touched_rows(case, ranks, sharing="spatial"):
    """First row, and the one after the last, that each rank's views touch."""
    tops = np.sort(case.tops) if sharing == "spatial" else case.tops
    cut = np.arange(ranks + 1) * len(tops) // ranks
    return (np.minimum.reduceat(tops, cut[:-1]), np.maximum.reduceat(tops, cut[:-1]) + case.frame)


def rows_in_common(first, last):
    """[rank][rank]"""
    both = np.minimum.outer(last, last) - np.maximum.outer(first, first)
    np.fill_diagonal(both, 0)
    return np.maximum(both, 0)


def takes_whole_object(both, case):
    """The rule of core/ptycho/distribution.cpp: in a sum over all ranks each sends about two objects."""
    return len(both) > 1 and both.sum(1).max() >= 2 * case.height


def lay_out(case, ranks, whole=None):
    """Equal shares from top to bottom. `whole`: whether all ranks hold all rows; None: as the program decides."""
    tops, n = np.sort(case.tops), case.frame
    first, last = touched_rows(case, ranks)
    both = rows_in_common(first, last)
    cut = np.arange(ranks + 1) * len(tops) // ranks
    count = np.diff(cut)
    if ranks == 1 or (takes_whole_object(both, case) if whole is None else whole):
        every, none = np.full(ranks, case.height), np.zeros(ranks, int)
        return Layout(ranks > 1, count, none, every, none, none, np.full(ranks, len(tops)))
    above = np.array([row[:r].max(initial=0) for r, row in enumerate(both)])
    below = np.array([row[r + 1:].max(initial=0) for r, row in enumerate(both)])
    # A rank's first views reach into rows of the ranks above, its last views into those of the ranks below.
    begin, end = cut[:-1], cut[1:]
    touch_above = np.where(above > 0, np.clip(np.searchsorted(tops, first + above), begin, end) - begin, 0)
    touch_below = np.where(below > 0, end - np.clip(np.searchsorted(tops, last - below - n, "right"), begin, end), 0)
    windows = np.searchsorted(tops, last) - np.searchsorted(tops, first - n, "right")
    return Layout(False, count, np.minimum(count, touch_above + touch_below), last - first, both.sum(1),
                  (both > 0).sum(1), windows)


def bytes_to_neighbours(case, ranks, sharing="spatial"):
    """That each rank sends."""
    both = rows_in_common(*touched_rows(case, ranks, sharing))
    rows = np.zeros(ranks, int) if takes_whole_object(both, case) else both.sum(1)
    return rows * case.width * COMPLEX


def bytes_in_sums(case, ranks, sharing="spatial"):
    """2(R − 1)/R times the data: the probe's numerator and denominator, ε of ψ, of the object and of each probe mode, R,
    the wish to stop; and the object where every rank has the whole of it."""
    whole = takes_whole_object(rows_in_common(*touched_rows(case, ranks, sharing)), case)
    probe = case.frame**2 * (case.modes * COMPLEX + REAL)
    numerator = case.height * case.width * COMPLEX if whole else 0
    return 2 * (ranks - 1) / ranks * (probe + numerator + RATIO_BYTES * (3 + case.modes) + 8)


SMALL_SUMS = 4  # of an iteration: ε and R, the most light, the wish to stop, the probe's denominator


def allreduce_s(data_bytes, ranks, link):
    """2(R − 1)/R of the data at the link's speed, and as many steps as a tree there and back has."""
    return 2 * (ranks - 1) / ranks * data_bytes / link.bytes_per_s + 2 * math.ceil(math.log2(ranks)) * link.latency_s


@dataclasses.dataclass(frozen=True)
class Times:
    """Of an iteration, on the slowest rank: seconds."""
    total: float
    views: float      # own views
    double: float     # what several ranks do alike: denominators and pixels of rows that others hold, too
    exchange: float   # shared rows packed and added up, and messages that nothing hides
    hidden: float     # messages beside which views are computed
    sums: float       # probe, and the object where it is whole; ε and R

    def part(self):
        """Which of them is most beside the views."""
        return max(("double", "exchange", "sums"), key=lambda name: getattr(self, name))


def iteration(case, layout, rates, link):
    ranks = len(layout.views)
    pixels = layout.rows_held * case.width
    a_view = rates.view_mode * case.modes + rates.view
    own = layout.views * (a_view + rates.window) + rates.fixed
    fair = case.height * case.width / ranks
    double = (layout.windows - layout.views) * rates.window + rates.pixel * (pixels - fair)
    own = own + rates.pixel * fair
    messages = layout.neighbours * link.latency_s + layout.rows_sent * case.width * COMPLEX / link.bytes_per_s
    hidden = np.minimum(messages, (layout.views - layout.shared_views) * a_view)
    exchange = (layout.rows_sent * case.width * rates.shared_pixel + np.minimum(layout.neighbours, 2) * rates.shared_range
                + messages - hidden)
    sums = 0.0
    if ranks > 1:
        sums = allreduce_s(case.frame**2 * (case.modes * COMPLEX + REAL), ranks, link)
        sums += SMALL_SUMS * allreduce_s(RATIO_BYTES, ranks, link)
        if layout.whole:
            sums += allreduce_s(case.height * case.width * COMPLEX, ranks, link)
    of_all = own + double + exchange
    r = int(np.argmax(of_all))
    return Times(float(of_all[r]) + sums, float(own[r]), float(double[r]), float(exchange[r]), float(hidden[r]), sums)


def fit(terms, seconds):
    """Rates that explain measured times best, by relative errors, and are not negative: of all choices of terms that may
    be other than zero, the best that keeps to this."""
    weighted, ones = np.asarray(terms, float) / np.asarray(seconds)[:, None], np.ones(len(seconds))
    best, least = np.zeros(weighted.shape[1]), np.inf
    for chosen in itertools.product((False, True), repeat=weighted.shape[1]):
        some = np.flatnonzero(chosen)
        if not some.size:
            continue
        scale = np.abs(weighted[:, some]).max(0)
        rates = np.linalg.lstsq(weighted[:, some] / scale, ones, rcond=None)[0] / scale
        misfit = np.linalg.norm(weighted[:, some] @ rates - ones)
        if (rates >= 0).all() and misfit < least:
            best, least = np.zeros(weighted.shape[1]), misfit
            best[some] = rates
    return best


# Assumptions for what is not at hand here. A link is a rank's own.
LINKS = (Link("10 GbE", 30e-6, 1.1e9), Link("100 Gb InfiniBand", 2e-6, 11e9))
GPU_MEMORY_BYTES_PER_S = 4.3e12  # of an H200, copying
GPU_PASSES = 16                  # reads and writes of ψ in an iteration
GPU_COPY_S = 10e-6               # to begin a copy between a GPU and the processor, waited for
GPU_LINK_BYTES_PER_S = 25e9      # of such copies
GPU_COPIES = 3                   # of shared rows: to be sent, to be added up, and back


def assumed_gpu(frame, shared_pixel):
    """A GPU that does nothing but wait for its memory; neighbours' rows are added up by its processor, as measured."""
    per_byte, pixels = 1 / GPU_MEMORY_BYTES_PER_S, frame**2
    return Rates("GPU, assumed", view_mode=GPU_PASSES * COMPLEX * pixels * per_byte, view=2 * REAL * pixels * per_byte,
                 window=3 * REAL * pixels * per_byte,
                 pixel=6 * COMPLEX * per_byte, fixed=1e-3,
                 shared_pixel=shared_pixel + GPU_COPIES * COMPLEX / GPU_LINK_BYTES_PER_S,
                 shared_range=GPU_COPIES * GPU_COPY_S)


def predict(rates, frame, step_px, modes=1, links=LINKS, ranks=(8, 64, 1024), views=(10**4, 10**5, 10**6, 10**7)):
    """Square raster scans; by number of views and ranks."""
    found = []
    for n in views:
        case = Case.square(n, step_px, frame, modes)
        alone = iteration(case, lay_out(case, 1), rates, links[0]).total
        for r in ranks:
            layout = lay_out(case, r)
            line = {"views": n, "ranks": r, "band_rows": (case.height - frame) / r, "whole": layout.whole,
                    "neighbours": int(layout.neighbours.max()), "bytes_to_neighbours": int(bytes_to_neighbours(case, r).max()),
                    "bytes_in_sums": bytes_in_sums(case, r), "links": {},
                    "memory_bytes": int(layout.views.max()) * frame**2 * (modes * COMPLEX + REAL)}
            for link in links:
                t = iteration(case, layout, rates, link)
                other = iteration(case, lay_out(case, r, not layout.whole), rates, link)
                line["links"][link.name] = {"seconds": t.total, "of_ideal": alone / r / t.total, "most_lost_in": t.part(),
                                            "the_other_way_seconds": other.total} | dataclasses.asdict(t)
            found.append(line)
    return found


def ranks_for_whole_object(views, step_px, frame):
    """From how many ranks on, in powers of two, every rank holds the whole object."""
    case = Case.square(views, step_px, frame)
    for ranks in (2**i for i in range(1, 15)):
        if ranks > views or takes_whole_object(rows_in_common(*touched_rows(case, ranks)), case):
            return ranks if ranks <= views else None
    return None
