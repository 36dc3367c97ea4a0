#include "plugin/stages/ptycho_dm/scan_job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "core/base/version.hpp"
#include "core/device/on_host.hpp"
#include "core/device/thread_pool.hpp"
#include "core/io/checksum.hpp"
#include "core/ptycho/central_views.hpp"
#include "core/ptycho/defocus.hpp"
#include "core/ptycho/memory_plan.hpp"
#include "plugin/stages/ptycho_dm/figures.hpp"
#include "plugin/stages/ptycho_dm/frame_store.hpp"
#include "plugin/stages/ptycho_dm/result_packet.hpp"

namespace ptychoflow::ptycho_dm {
namespace {

using namespace ptycho;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

template <class T>
std::unique_ptr<Kernels<T>> make_gpu_kernels(Gpu& gpu, Yx<Index> frame) {
  if constexpr (std::is_same_v<T, float>) {
    return gpu.single_kernels(frame);
  } else {
    return gpu.double_kernels(frame);
  }
}

template <class T>
class Job final : public ScanJob {
 public:
  Job(const Parameters& parameters, Yx<Index> frame, Index expected, Services services)
      : parameters_(parameters),
        frame_(frame),
        services_(std::move(services)),
        frames_(frame, expected, memory_of_magnitudes()) {}

  void add(stage::Packet& packet) override {
    if (packet.has("mask")) frames_.set_mask(packet.at("mask").view<const std::uint8_t, 2>());
    if (const stage::Tensor probe = packet.take("initial_probe")) {
      light_.initial_probe = probe.holds<Complex<double>>() ? widened(probe.view<const Complex<double>, 3>())
                                                            : widened(probe.view<const Complex<float>, 3>());
    }
    frames_.add(packet);
    if (packet.ends_scan()) frames_.finish();  // a fault must show before ranks wait for each other
  }

  void reconstruct(stage::Packet& packet, stage::Json& figures) override {
    const auto start = Clock::now();
    device::ThreadPool threads(services_.threads);
    const auto kernels = make_kernels(threads);
    const Problem<T> problem = gather_scan(packet.metadata);
    const Layout& layout = problem.layout();
    std::optional<Checkpoints<T>> checkpoints;
    if (parameters_.checkpoint.every > 0) {
      checkpoints.emplace(parameters_.checkpoint, identity(packet.metadata), problem, *kernels, services_.ranks,
                          services_.warn);
    }
    const Index done = checkpoints ? checkpoints->found_iteration() : 0;
    Settings settings = parameters_.settings;
    if (parameters_.probe_support_m) {
      settings.probe_support_px = *parameters_.probe_support_m / std::max(layout.pixel_size_m.y, layout.pixel_size_m.x);
    }
    GuessSettings guess = parameters_.guess;
    if (parameters_.find_defocus && done == 0) guess.probe = ProbeFromData{find_defocus(problem, settings, *kernels)};
    const auto start_with = [&](Index modes) {
      return start_state<T>(guess, light_, layout, problem.distribution().rows, modes, parameters_.object_modes);
    };
    const Index modes = done > 0                  ? checkpoints->found_probe_modes()
                        : parameters_.probe_modes ? *parameters_.probe_modes
                                                  : find_modes(problem, start_with, settings, *kernels);
    if (done > 0) services_.info(fmt::format("going on from the checkpoint of iteration {}", done));
    State<T> state = start_with(modes);
    services_.info(
        fmt::format("{} views of {}×{} px on {} rank(s) with {} thread(s); object {}×{} px of {:.3g} nm; {}×{} modes",
                    layout.view_count(), frame_.y, frame_.x, services_.ranks.size(), services_.threads, layout.object.y,
                    layout.object.x, layout.pixel_size_m.x * 1e9, modes, parameters_.object_modes));
    const double setup_seconds = seconds_since(start);
    const auto iterations_start = Clock::now();
    const comm::Traffic before = services_.ranks.traffic();
    const Result<T> result =
        ptycho::reconstruct(problem, std::move(state), settings, *kernels, services_.ranks,
                            observer(settings.iterations, modes * parameters_.object_modes * layout.view_count(), ""),
                            paging(), checkpoints ? &*checkpoints : nullptr);
    stopped_ = result.stopped;
    advise(result);
    figures = report(result, problem, modes);
    figures["setup_seconds"] = setup_seconds;
    figures["resumed_after_iteration"] = done;
    figures["iteration_seconds"] = seconds_since(iterations_start);
    const Index iterated = std::max<Index>(1, static_cast<Index>(result.history.size()) - done);
    figures["distribution"] = distribution_figures(problem.distribution(), problem.local_count(),
                                                   problem.shared_count(), services_.ranks, before, iterated);
    fill_packet(packet, result, layout, positions_m_);
    if (parameters_.half_scans == HalfScans::reconstruct && !result.stopped) {
      add_halves(packet, problem, settings, result, *kernels);
    }
  }

  void clean_up() override {
    if (parameters_.checkpoint.every == 0 || stopped_) return;  // one that was stopped may go on later
    services_.ranks.barrier();
    if (services_.ranks.is_root()) CheckpointFiles(parameters_.checkpoint.file).remove_all();
  }

 private:
  device::Memory* memory_of_magnitudes() const {
    if (services_.gpu) return services_.gpu->memory();
    return services_.plan.magnitudes_in_scratch ? services_.scratch : nullptr;
  }

  PagingPlan paging() const {
    if (services_.gpu || !services_.plan.exit_waves_in_scratch) return {};
    return {services_.scratch, services_.plan.slab_views, services_.plan.resident_slabs};
  }

  template <class U>
  static device::Array<Complex<double>, 3> widened(View<const Complex<U>, 3> modes) {
    device::Array<Complex<double>, 3> wide(modes.extents());
    std::transform(modes.begin(), modes.end(), wide.begin(), [](Complex<U> v) {
      return Complex<double>{static_cast<double>(v.re), static_cast<double>(v.im)};
    });
    return wide;
  }

  std::unique_ptr<Kernels<T>> make_kernels(device::ThreadPool& threads) const {
    if (services_.gpu) return make_gpu_kernels<T>(*services_.gpu, frame_);
    return make_cpu_kernels<T>(threads, frame_);
  }

  /// Puts together what all ranks know of the scan: positions in scan order, and the mean frame.
  Problem<T> gather_scan(const stage::Json& metadata) {
    const auto indices = services_.ranks.gather(frames_.frame_index());
    const auto positions = services_.ranks.gather(frames_.positions_m());
    const auto count = static_cast<Index>(indices.size());
    positions_m_.assign(indices.size(), {});
    std::vector<bool> seen(indices.size());
    for (std::size_t i = 0; i < indices.size(); ++i) {
      const auto j = static_cast<std::size_t>(indices[i]);
      if (indices[i] < 0 || indices[i] >= count || seen[j]) {
        throw Error(ErrorCode::other,
                    fmt::format("frame_index: {} frames must be numbered 0 to {}, each once; {} is not", count,
                                count - 1, indices[i]));
      }
      seen[j] = true;
      positions_m_[j] = {positions[2 * i], positions[2 * i + 1]};
    }
    const auto pixel = metadata.at("detector_pixel_m").get<std::vector<double>>();
    const Optics optics{metadata.at("wavelength_m"), metadata.at("distance_m"), {pixel.at(0), pixel.at(1)}, frame_};
    light_.wavelength_m = optics.wavelength_m;
    light_.mask = device::Array<std::uint8_t, 2>::copy_of(frames_.mask());
    light_.mean_counts = device::Array<double, 2>::copy_of(frames_.summed_counts());
    services_.ranks.sum(light_.mean_counts.view());
    for (double& c : light_.mean_counts) c /= static_cast<double>(count);
    if (std::all_of(light_.mean_counts.begin(), light_.mean_counts.end(), [](double c) { return c == 0; })) {
      throw Error(ErrorCode::data, "all frames are zero wherever they are measured: check the data and the mask");
    }
    std::vector<LocalView> views;
    for (std::size_t i = 0; i < frames_.frame_index().size(); ++i) {
      views.push_back({static_cast<Index>(frames_.frame_index()[i]), static_cast<Index>(i)});
    }
    const Layout layout = lay_out(optics, positions_m_);
    return {layout, frames_.take_magnitudes(), views, distribution_of(layout, views)};
  }

  /// Which rows of the object each rank holds follows from its views.
  Distribution distribution_of(const Layout& layout, const std::vector<LocalView>& views) const {
    std::vector<Yx<Index>> windows;
    for (const auto& v : views) windows.push_back(layout.windows[static_cast<std::size_t>(v.scan_index)]);
    const device::Share mine = touched_rows(frame_.y, windows);
    const auto all = services_.ranks.gather(std::vector<std::int64_t>{mine.first, mine.last});
    std::vector<device::Share> touched;
    for (std::size_t r = 0; r < all.size(); r += 2) touched.push_back({all[r], all[r + 1]});
    return distribute(layout.object.y, touched, services_.ranks.rank());
  }

  Observer observer(Index iterations, Index view_modes, const std::string& what) const {
    return [=, this](const IterationFigures& f) {
      services_.progress(f.iteration, iterations,
                         fmt::format("{}ε_O {:.1e}  ε_P {:.1e}  R {:.4f}  {:.3g} view·modes/s", what,
                                     std::ranges::max(f.object_change), std::ranges::max(f.probe_change),
                                     f.fourier_error, static_cast<double>(view_modes) / f.seconds));
      return services_.should_stop() ? Wish::stop : Wish::go_on;
    };
  }

  /// Where the sample is, as the views in the middle of the scan tell. Collective.
  double find_defocus(const Problem<T>& problem, Settings settings, Kernels<T>& kernels) const {
    const auto numbers = central_views(positions_m_, defocus_views);
    const Layout layout = layout_of(problem.layout(), numbers);
    std::vector<LocalView> views;
    for (const LocalView& v : problem.views()) {
      const auto place = std::ranges::lower_bound(numbers, v.scan_index);
      if (place != numbers.end() && *place == v.scan_index)
        views.push_back({static_cast<Index>(place - numbers.begin()), v.frame_index});
    }
    const Problem<T> middle(layout, problem.shared_magnitudes(), views, distribution_of(layout, views));
    settings.iterations = defocus_iterations;
    settings.average_from = 1;
    settings.tolerance = 0;
    const auto r_factor = [&](double defocus_m) {
      GuessSettings guess = parameters_.guess;
      guess.probe = ProbeFromData{defocus_m};
      State<T> start = start_state<T>(guess, light_, layout, middle.distribution().rows, 1, 1);
      const auto what = fmt::format("defocus {:.2g} m  ", defocus_m);
      return ptycho::reconstruct(middle, std::move(start), settings, kernels, services_.ranks,
                                 observer(defocus_iterations, layout.view_count(), what))
          .r_factor;
    };
    const auto trials = search_defocus(farthest_defocus_m(light_, layout), r_factor);
    services_.info(fmt::format("defocus_m: auto chose {:.2e}: R {:.3f} on {} views; R {:.3f} at the focus",
                               trials.front().defocus_m, trials.front().r_factor, layout.view_count(),
                               std::ranges::find(trials, 0.0, &DefocusTrial::defocus_m)->r_factor));
    return trials.front().defocus_m;
  }

  Index find_modes(const Problem<T>& problem, const std::function<State<T>(Index)>& start_with,
                   const Settings& settings, Kernels<T>& kernels) const {
    const Index trial = parameters_.trial_iterations;
    const Index modes =
        find_probe_modes<T>(problem, start_with, settings, trial, parameters_.max_probe_modes, kernels, services_.ranks,
                            observer(trial, problem.layout().view_count(), "trial  "), paging());
    services_.info(fmt::format("probe_modes: auto chose {}", modes));
    return modes;
  }

  /// Says which modes are not worth their time.
  void advise(const Result<T>& result) const {
    const auto idle = std::ranges::count_if(result.occupancy, [](double share) { return share < least_occupancy; });
    if (idle == 0) return;
    services_.warn(
        fmt::format("{} of {} probe modes hold less than 1 % of the light each and are not needed: try probe_modes: {}",
                    idle, result.occupancy.size(), result.occupancy.size() - static_cast<std::size_t>(idle)));
  }

  void add_halves(stage::Packet& packet, const Problem<T>& problem, const Settings& settings, const Result<T>& whole,
                  Kernels<T>& kernels) const {
    const Layout& layout = problem.layout();
    const bool root = services_.ranks.is_root();  // which alone has the object
    device::Array<Complex<T>, 3> halves({root ? 2 : 0, layout.object.y, layout.object.x});
    for (Index half = 0; half < 2; ++half) {
      State<T> state = start_state<T>(parameters_.guess, light_, layout, problem.distribution().rows,
                                      whole.probe.extent(0), parameters_.object_modes);
      std::copy(whole.probe.begin(), whole.probe.end(), state.probe.begin());
      const Problem<T> part = problem.part(half, 2);
      const auto result =
          ptycho::reconstruct(part, std::move(state), settings, kernels, services_.ranks,
                              observer(settings.iterations, whole.probe.extent(0) * layout.view_count() / 2,
                                       half == 0 ? "even half  " : "odd half  "),
                              paging());
      if (!root) continue;
      const auto main = result.object.view()[0];
      std::copy(main.begin(), main.end(), halves.view()[half].begin());
    }
    if (root) packet.tensors.insert_or_assign("object_halves", stage::Tensor::own(std::move(halves)));
  }

  stage::Json report(const Result<T>& result, const Problem<T>& problem, Index modes) const {
    const Index mode_pairs = modes * parameters_.object_modes;
    stage::Json figures = result_figures(result.history, problem.layout().view_count() * mode_pairs);
    figures["r_factor"] = result.r_factor;
    figures["occupancy"] = result.occupancy;
    figures["memory"] = memory_figures(services_.plan);
    figures["memory"]["frames_in_flight_bytes"] = frames_.frames_in_flight_bytes();
    if (services_.gpu) {
      const Workload work{
          frame_, problem.held(),           problem.local_count(),   static_cast<Index>(problem.windows_here().size()),
          modes,  parameters_.object_modes, parameters_.real_bytes()};
      figures["memory"]["device"] =
          memory_figures(plan_batches(work, services_.gpu->facts(), parameters_.gpu.batch_views));
    }
    return figures;
  }

  /// What a checkpoint must have been made of: this scan, these parameters, this version. Values are the same for any
  /// number of ranks.
  Identity identity(const stage::Json& metadata) const {
    Identity all = parameters_.identity;
    const auto crc = [](const auto& values) {
      return fmt::format("{:08x}",
                         io::crc_of(values.data(), static_cast<std::size_t>(values.size()) * sizeof(*values.data())));
    };
    all.emplace_back("program version", version);
    all.emplace_back("scan", metadata.value("scan", ""));
    all.emplace_back("frames", fmt::format("{} of {}x{}", positions_m_.size(), frame_.y, frame_.x));
    all.emplace_back("geometry", fmt::format("{} {} {}", metadata.at("wavelength_m").dump(),
                                             metadata.at("distance_m").dump(), metadata.at("detector_pixel_m").dump()));
    all.emplace_back("positions, checksum", crc(positions_m_));
    all.emplace_back("mean frame, checksum", crc(light_.mean_counts));
    all.emplace_back("starting probe, checksum", crc(light_.initial_probe));
    return all;
  }

  const Parameters& parameters_;
  Yx<Index> frame_;
  Services services_;
  FrameStore<T> frames_;
  ScanLight light_;
  std::vector<Yx<double>> positions_m_;
  bool stopped_ = false;
};

}  // namespace

std::unique_ptr<ScanJob> make_scan_job(const Parameters& parameters, Yx<Index> frame, Index expected_frames,
                                       Services services) {
  if (parameters.precision == Precision::twofold) {
    return std::make_unique<Job<double>>(parameters, frame, expected_frames, std::move(services));
  }
  return std::make_unique<Job<float>>(parameters, frame, expected_frames, std::move(services));
}

}  // namespace ptychoflow::ptycho_dm
