// Kernels of a device against those of the CPU, one by one: in batches that the processor plays, and on a GPU where
// there is one. A transform in single precision is good to about 1e-6 of the mean magnitude; where the model is a
// thousandth of that, the modulus projection gives the pixel a phase that is good to 1e-3. Hence the first tolerance;
// the second, for double precision, is what finds faults.
#include <gtest/gtest.h>

#include "core/ptycho/gpu.hpp"
#include "core/ptycho/kernels_batched.hpp"
#include "tests/parity/random_scan.hpp"
#include "tests/support/host_queue.hpp"

namespace ptychoflow::ptycho {
namespace {

template <class T>
constexpr double tolerance = std::is_same_v<T, float> ? 1e-3 : 1e-10;

struct Case {
  int ny, nx, probe_modes, object_modes;
};

void PrintTo(const Case& c, std::ostream* out) {
  *out << c.ny << 'x' << c.nx << '_' << c.probe_modes << 'x' << c.object_modes << "_modes";
}

template <class V, std::size_t Rank>
double relative_difference(const device::Array<V, Rank>& found, const device::Array<V, Rank>& expected) {
  const device::OnHost here(found);
  double difference = 0, size = 0;
  for (Index i = 0; i < expected.size(); ++i) {
    const V a = here.view().data()[i], b = expected.data()[i];
    if constexpr (std::is_floating_point_v<V>) {
      difference += (a - b) * (a - b);
      size += b * b;
    } else {
      difference += static_cast<double>(norm(a - b));
      size += static_cast<double>(norm(b));
    }
  }
  return std::sqrt(difference / size);
}

/// The same scan and state on the CPU and on the device that is on trial.
template <class T>
class Twins {
 public:
  /// @param magnitudes  where the device's lie; null: in its memory
  Twins(const Case& c, std::unique_ptr<Kernels<T>> kernels, device::Memory* magnitudes = nullptr)
      : random_(c.ny, c.nx, 8, c.probe_modes, c.object_modes, true, 41),
        threads_(2),
        cpu_{make_cpu_kernels<T>(threads_, {c.ny, c.nx}), random_, nullptr},
        device_{std::move(kernels), random_, magnitudes} {}

  /// Every kernel in turn; each goes on from what the one before left on the CPU.
  void compare_all() {
    both([](Side& s) { s.kernels->start_exit_waves(s.problem, s.state, s.all()); });
    expect_same_waves("start_exit_waves");

    compare_sweep("exact projection", std::nullopt, Gather::object);
    compare_sweep("relaxed projection", 0.05, Gather::probe);
    compare_sweep("no numerator", 0.05, Gather::nothing);
    for (const Sums sums : {Sums::floating_point, Sums::whole_numbers}) compare_overlaps(sums);

    compare_sums("divide object", [](Side& s, ExactRatio& sum) {
      const T most = s.kernels->largest(s.object_overlap.denominator);
      std::vector<ExactRatio> changes(static_cast<std::size_t>(s.state.object_modes()));
      s.kernels->divide(s.object_overlap, T(object_floor) * most, T(lit_coverage) * most, {1, s.problem.held().y - 1},
                        s.state.object, changes);
      sum = changes.back();
    });
    expect_same(&State<T>::object, "divide object");
    compare_sums("divide probe", [](Side& s, ExactRatio& sum) {
      std::vector<ExactRatio> changes(static_cast<std::size_t>(s.state.probe_modes()));
      s.kernels->divide(s.probe_overlap, T(probe_floor) * s.kernels->largest(s.probe_overlap.denominator), 0,
                        {0, s.problem.layout().frame.y}, s.state.probe, changes);
      sum = changes.back();
    });
    expect_same(&State<T>::probe, "divide probe");

    const auto rotation = rotation_of(cpu_.state.probe_modes());
    both([&](Side& s) { s.kernels->rotate_probe(rotation, s.state); });
    both([&](Side& s) { s.kernels->rotate_exit_waves(rotation, s.state, s.all()); });
    expect_same(&State<T>::probe, "rotate_probe");
    expect_same_waves("rotate_exit_waves");

    ObjectBounds bounds;
    bounds.amplitude_min = 0.4, bounds.amplitude_max = 0.9, bounds.phase_max_rad = 0.3;
    both([&](Side& s) { s.kernels->bound_object(bounds, s.state.object); });
    expect_same(&State<T>::object, "bound_object");
    both([&](Side& s) { s.kernels->support_probe(static_cast<double>(random_.scan.nx) / 3, s.state.probe); });
    expect_same(&State<T>::probe, "support_probe");
    EXPECT_NEAR(device_.kernels->largest_power(device_.state.object), cpu_.kernels->largest_power(cpu_.state.object),
                1e-6);

    both([](Side& s) { s.take_fields(); });
    for (const Index stride : {1, 3, 9}) {
      compare_sums("compare",
                   [&](Side& s, ExactRatio& fit) { s.kernels->compare(s.problem, s.state, s.all(), stride, fit); });
    }
  }

 private:
  struct Side {
    Side(std::unique_ptr<Kernels<T>> its_kernels, const test::RandomScan& random, device::Memory* magnitudes)
        : kernels(std::move(its_kernels)),
          problem(random.problem<T>(magnitudes ? magnitudes : kernels->memory())),
          state(random.state<T>(kernels->memory())) {
      device::Memory* memory = kernels->memory();
      const auto object = state.object.extents(), probe = state.probe.extents();
      for (auto [overlap, extents] : {std::pair(&object_overlap, object), std::pair(&probe_overlap, probe)}) {
        overlap->numerator = device::Array<Complex<T>, 3>::zeros(extents, memory);
        overlap->denominator = device::Array<T, 2>::zeros({extents[1], extents[2]}, memory);
        overlap->whole_numerator = device::Array<Complex<std::int64_t>, 3>::zeros(extents, memory);
        overlap->whole_denominator = device::Array<std::int64_t, 2>::zeros({extents[1], extents[2]}, memory);
      }
      kernels->prepare(problem, state);
      take_fields();
      state.exit_waves = device::Array<T, 3>::zeros(
          {problem.local_count(), state.mode_pairs(), kernels->exit_wave_size()}, kernels->exit_wave_memory());
    }

    void take_fields() {
      kernels->take_probe(state);
      kernels->take_object(state);
    }
    device::Share all() const { return {0, problem.local_count()}; }

    std::unique_ptr<Kernels<T>> kernels;
    Problem<T> problem;
    State<T> state;
    Overlap<T> object_overlap, probe_overlap;
  };

  template <class Body>
  void both(const Body& body) {
    body(cpu_);
    body(device_);
  }

  /// Three times, since a device may replay what it did before; in two parts.
  void compare_sweep(const char* what, std::optional<double> bound, Gather gather) {
    const auto overlap = gather == Gather::probe ? &Side::probe_overlap : &Side::object_overlap;
    for (int time = 0; time < 3; ++time) {
      compare_sums(what, [&](Side& s, ExactRatio& change) {
        s.kernels->clear(s.*overlap);
        for (const device::Share views : {device::Share{0, 2}, device::Share{2, s.problem.local_count()}})
          s.kernels->update_exit_waves(s.problem, s.state, views, T(0.8), bound, gather, s.*overlap, change);
      });
      expect_same_waves(what);
      if (gather != Gather::nothing) {
        EXPECT_LT(relative_difference((device_.*overlap).numerator, (cpu_.*overlap).numerator), tolerance<T>) << what;
      }
    }
  }

  void compare_overlaps(Sums sums) {
    for (const Gather what : {Gather::object, Gather::probe}) {
      const auto overlap = what == Gather::object ? &Side::object_overlap : &Side::probe_overlap;
      both([&](Side& s) {
        Overlap<T>& o = s.*overlap;
        if (sums == Sums::whole_numbers) o.numerator_scale = o.denominator_scale = fixed_point(100, 100);
        if (what == Gather::object) o.denominator_scale = {};
        s.kernels->clear(o);
        s.kernels->gather(s.problem, s.state, {0, 3}, what, o);
        s.kernels->gather(s.problem, s.state, {3, s.problem.local_count()}, what, o);
        if (what == Gather::object) s.kernels->cover_object(s.problem, s.state, o);
        if (what == Gather::probe) s.kernels->cover_probe(s.problem, s.state, o);
        s.kernels->settle(o);
      });
      expect_same(overlap, what == Gather::object ? "object" : "probe");
    }
  }

  template <class Body>
  void compare_sums(const char* what, const Body& body) {
    ExactRatio expected, found;
    body(cpu_, expected);
    body(device_, found);
    const double part = expected.part.value(), whole = expected.whole.value();
    EXPECT_NEAR(found.part.value(), part, tolerance<T> * part) << what;
    EXPECT_NEAR(found.whole.value(), whole, tolerance<T> * whole) << what;
  }

  /// Then makes them the same, since iterations on random numbers double a difference every step or so.
  template <std::size_t Rank>
  void expect_same(device::Array<Complex<T>, Rank> State<T>::*array, const char* after) {
    auto &found = device_.state.*array, &expected = cpu_.state.*array;
    EXPECT_LT(relative_difference(found, expected), tolerance<T>) << "after " << after;
    device_.kernels->memory()->copy_in(found.data(), expected.data(), expected.bytes());
  }

  void expect_same_waves(const char* after) {
    const auto found = device_.kernels->unpacked_exit_waves(device_.state, device_.all());
    const auto expected = cpu_.kernels->unpacked_exit_waves(cpu_.state, cpu_.all());
    EXPECT_LT(relative_difference(found, expected), tolerance<T>) << "after " << after;
    device_.kernels->pack_exit_waves(expected, 0, device_.state);
  }

  void expect_same(Overlap<T> Side::*overlap, const char* of) {
    EXPECT_LT(relative_difference((device_.*overlap).numerator, (cpu_.*overlap).numerator), tolerance<T>) << of;
    EXPECT_LT(relative_difference((device_.*overlap).denominator, (cpu_.*overlap).denominator), tolerance<T>) << of;
  }

  /// A discrete Fourier transform of the modes: unitary, and no element is zero.
  static device::Array<Complex<double>, 2> rotation_of(Index modes) {
    device::Array<Complex<double>, 2> rotation({modes, modes});
    for (Index k = 0; k < modes; ++k) {
      for (Index m = 0; m < modes; ++m) {
        const double n = static_cast<double>(modes);
        rotation(k, m) = polar(1 / std::sqrt(n), 6.283185307179586 * static_cast<double>(k * m) / n);
      }
    }
    return rotation;
  }

  test::RandomScan random_;
  device::ThreadPool threads_;
  Side cpu_, device_;
};

class PlayedKernels : public ::testing::TestWithParam<Case> {
 public:
  template <class T>
  void run(ObjectSum object_sum, const BatchPlan& batches = {.batch_views = 2, .lanes = 2}) {
    const auto plan = [=](const Workload& work) {
      EXPECT_EQ(work.magnitudes == MagnitudesLie::with_the_processor, batches.magnitudes_on_host);
      return batches;
    };
    test::GuardedMemory memory;
    Twins<T>(GetParam(),
             std::make_unique<BatchedKernels<T, test::HostQueue>>(
                 test::HostQueue(memory), Yx<Index>{GetParam().ny, GetParam().nx}, object_sum, plan),
             batches.magnitudes_on_host ? &test::FarMemory::instance() : nullptr)
        .compare_all();
    EXPECT_EQ(memory.blocks(), 0U) << "memory of the device that was not given back";
  }
};

TEST_P(PlayedKernels, AgreeInSinglePrecision) { run<float>(ObjectSum::atomic); }
TEST_P(PlayedKernels, AgreeInDoublePrecision) { run<double>(ObjectSum::atomic); }
TEST_P(PlayedKernels, ThatGatherAgreeInDoublePrecision) { run<double>(ObjectSum::gather); }

const BatchPlan exit_waves_come_and_go{.batch_views = 2, .lanes = 3, .exit_waves_on_host = true};
const BatchPlan some_stay{.batch_views = 2,

                          .lanes = 3,
                          .exit_waves_on_host = true,
                          .resident_views = 4,
                          .magnitudes_on_host = true};
const BatchPlan magnitudes_come{.batch_views = 2, .block_views = 6, .lanes = 3, .magnitudes_on_host = true};

TEST_P(PlayedKernels, WhoseExitWavesComeAndGoAgreeInDoublePrecision) {
  run<double>(ObjectSum::atomic, exit_waves_come_and_go);
}
TEST_P(PlayedKernels, WhoseExitWavesComeAndGoThatGatherAgreeInSinglePrecision) {
  run<float>(ObjectSum::gather, exit_waves_come_and_go);
}
TEST_P(PlayedKernels, OfWhichSomeExitWavesStayAgreeInDoublePrecision) { run<double>(ObjectSum::atomic, some_stay); }
TEST_P(PlayedKernels, OfWhichSomeExitWavesStayThatGatherAgreeInSinglePrecision) {
  run<float>(ObjectSum::gather, some_stay);
}
TEST_P(PlayedKernels, WhoseMagnitudesComeAgreeInDoublePrecision) { run<double>(ObjectSum::atomic, magnitudes_come); }

INSTANTIATE_TEST_SUITE_P(Sizes, PlayedKernels,
                         ::testing::Values(Case{16, 16, 1, 1}, Case{15, 21, 3, 1}, Case{24, 10, 1, 2},
                                           Case{63, 63, 3, 2}),
                         ::testing::PrintToStringParamName());

/// Kernels of a rank that holds some rows of the object: windows count from its first row, and those of other ranks may
/// begin above or end below.
TEST(PlayedKernels, OnSomeRowsOfTheObjectAgree) {
  const test::RandomScan random(16, 12, 8, 2, 1, true, 5);
  const Layout layout = random.layout();
  const Distribution some{{3, layout.object.y - 1}, {5, layout.object.y - 1}, false, {}};
  std::vector<LocalView> views;
  for (Index j = 0; j < layout.view_count(); ++j) {
    const Index top = layout.windows[static_cast<std::size_t>(j)].y;
    if (top >= some.rows.first && top + 16 <= some.rows.last) views.push_back({j, j});
  }
  ASSERT_GT(views.size(), 1U);
  ASSERT_LT(static_cast<Index>(views.size()), layout.view_count());

  test::GuardedMemory memory;
  device::ThreadPool threads(2);
  const auto plan = [](const Workload&) { return BatchPlan{.batch_views = 2, .lanes = 2}; };
  const auto cpu = make_cpu_kernels<double>(threads, {16, 12});
  BatchedKernels<double, test::HostQueue> played(test::HostQueue(memory), {16, 12}, ObjectSum::gather, plan);
  std::vector<device::Array<Complex<double>, 3>> numerators;
  std::vector<device::Array<double, 2>> covers;
  for (Kernels<double>* kernels : {cpu.get(), static_cast<Kernels<double>*>(&played)}) {
    device::Memory* const there = kernels->memory();
    const auto whole = random.problem<double>();
    auto magnitudes = device::Array<double, 3>::copy_of(whole.all_magnitudes().view());
    const Problem<double> problem(
        layout, std::make_shared<device::Array<double, 3>>(device::moved_to(there, std::move(magnitudes))), views,
        some);
    State<double> state = random.state<double>();
    device::Array<Complex<double>, 3> rows({1, problem.held().y, problem.held().x});
    std::copy_n(&state.object(0, some.rows.first, 0), rows.size(), rows.data());
    state.probe = device::moved_to(there, std::move(state.probe));
    state.object = device::moved_to(there, std::move(rows));
    kernels->prepare(problem, state);
    kernels->take_probe(state);
    kernels->take_object(state);
    const device::Share all{0, problem.local_count()};
    state.exit_waves = device::Array<double, 3>::zeros({all.last, 2, kernels->exit_wave_size()}, there);
    Overlap<double> object, probe;
    object.numerator = device::Array<Complex<double>, 3>::zeros(state.object.extents(), there);
    object.denominator = device::Array<double, 2>::zeros({problem.held().y, problem.held().x}, there);
    probe.denominator = device::Array<double, 2>::zeros({16, 12}, there);
    ExactRatio change;
    kernels->start_exit_waves(problem, state, all);
    kernels->update_exit_waves(problem, state, all, 0.8, std::nullopt, Gather::object, object, change);
    kernels->cover_object(problem, state, object);
    kernels->cover_probe(problem, state, probe);
    numerators.push_back(std::move(object.numerator));
    covers.push_back(std::move(object.denominator));
    covers.push_back(std::move(probe.denominator));
  }
  EXPECT_LT(relative_difference(numerators[1], numerators[0]), tolerance<double>);
  EXPECT_LT(relative_difference(covers[2], covers[0]), tolerance<double>);
  EXPECT_LT(relative_difference(covers[3], covers[1]), tolerance<double>);
}

class GpuKernels : public ::testing::TestWithParam<Case> {
 public:
  template <class T>
  void run(ObjectSum object_sum, Index batch_views) {
    std::unique_ptr<Gpu> gpu;
    try {
      gpu = open_gpu({.object_sum = object_sum, .batch_views = batch_views}, {});
    } catch (const Error& e) {
      GTEST_SKIP() << e.what();
    }
    const Yx<Index> frame{GetParam().ny, GetParam().nx};
    if constexpr (std::is_same_v<T, float>) {
      Twins<T>(GetParam(), gpu->single_kernels(frame)).compare_all();
    } else {
      Twins<T>(GetParam(), gpu->double_kernels(frame)).compare_all();
    }
  }
};

TEST_P(GpuKernels, AgreeInSinglePrecision) { run<float>(ObjectSum::atomic, 3); }
TEST_P(GpuKernels, AgreeInDoublePrecision) { run<double>(ObjectSum::atomic, 3); }
TEST_P(GpuKernels, InOneBatchAgreeInDoublePrecision) { run<double>(ObjectSum::atomic, 0); }
TEST_P(GpuKernels, ThatGatherAgreeInSinglePrecision) { run<float>(ObjectSum::gather, 0); }
TEST_P(GpuKernels, ThatGatherAgreeInDoublePrecision) { run<double>(ObjectSum::gather, 3); }

INSTANTIATE_TEST_SUITE_P(Sizes, GpuKernels,
                         ::testing::Values(Case{16, 16, 1, 1}, Case{15, 21, 3, 1}, Case{63, 63, 5, 1},
                                           Case{100, 100, 1, 2}, Case{128, 128, 3, 1}, Case{128, 96, 3, 2},
                                           Case{188, 188, 5, 1}, Case{200, 200, 1, 1}, Case{256, 256, 3, 1},
                                           Case{256, 256, 5, 2}, Case{512, 512, 1, 1}, Case{512, 512, 3, 1}),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace ptychoflow::ptycho
