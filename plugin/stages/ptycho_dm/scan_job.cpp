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
#include "core/ptycho/live_reconstruction.hpp"
#include "core/ptycho/memory_plan.hpp"
#include "plugin/stages/ptycho_dm/figures.hpp"
#include "plugin/stages/ptycho_dm/frame_store.hpp"
#include "plugin/stages/ptycho_dm/gathered_scan.hpp"
#include "plugin/stages/ptycho_dm/result_packet.hpp"

namespace ptychoflow::ptycho_dm {
namespace {

using namespace ptycho;
using Clock = std::chrono::steady_clock;

/// For people who watch: a picture takes a moment to make.
constexpr double seconds_between_previews = 2;

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
  Job(const Parameters& parameters, Yx<Index> frame, Services services)
      : parameters_(parameters), frame_(frame), services_(std::move(services)), scan_(frame, services_.ranks) {}

  void add(stage::Packet& packet) override {
    if (packet.has("mask")) frames_.set_mask(packet.at("mask").view<const std::uint8_t, 2>());
    if (const stage::Tensor probe = packet.take("initial_probe")) scan_.set_initial_probe(probe);
    if (packet.has("frames")) {
      frames_.add(packet);
    } else {
      came_early_ += packet.at("frame_index").shape().at(0);
    }
    // A fault must show before ranks wait for each other.
    if (packet.ends_scan() || parameters_.live) frames_.finish();
  }

  bool advance(stage::Packet& packet) override {
    double views = static_cast<double>(frames_.frame_index().size());
    services_.ranks.sum(&views, 1);
    if (views < static_cast<double>(parameters_.live->start_after)) return false;
    if (!live_) begin_live(static_cast<Index>(views));
    if (static_cast<Index>(views) != live_->view_count()) {
      const Problem<T> problem = scan_.gather(frames_, frames_.magnitudes(), packet.metadata);
      if (live_->view_count() == 0) settle_start(problem, 0);
      live_->take(problem, start(problem, *parameters_.probe_modes));
    }
    bool looks = false;
    for (Index i = 1; i <= parameters_.live->every; ++i) {
      if (i == parameters_.live->every && wants_preview()) {  // which is copied beside the last iteration
        live_->look();
        looks = true;
      }
      const IterationFigures& f = live_->iterate();
      services_.progress(live_->view_count(), packet.metadata.value("frame_count", Index{0}),
                         fmt::format("views, iteration {}  {}", f.iteration, text_of(f)));
    }
    if (!looks) return false;
    last_preview_ = Clock::now();
    Result<T> seen = live_->seen();
    fill_packet(packet, seen, live_->problem().layout(), scan_.positions_m());
    return true;
  }

  void reconstruct(stage::Packet& packet, stage::Json& figures) override {
    const auto begin = Clock::now();
    Kernels<T>& kernels = this->kernels();
    const Problem<T> problem = scan_.gather(frames_, frames_.take_magnitudes(), packet.metadata);
    const Layout& layout = problem.layout();
    std::optional<Checkpoints<T>> checkpoints;
    if (parameters_.checkpoint.every > 0) {
      checkpoints.emplace(parameters_.checkpoint, identity(packet.metadata), problem, kernels, services_.ranks,
                          services_.warn);
    }
    const Index done = checkpoints ? checkpoints->found_iteration() : 0;
    if (!live_) settle_start(problem, done);
    const Index modes = done > 0                  ? checkpoints->found_probe_modes()
                        : parameters_.probe_modes ? *parameters_.probe_modes
                                                  : find_modes(problem, kernels);
    if (done > 0) services_.info(fmt::format("going on from the checkpoint of iteration {}", done));
    State<T> state = start(problem, modes);
    services_.info(
        fmt::format("{} views of {}×{} px on {} rank(s) with {} thread(s); object {}×{} px of {:.3g} nm; {}×{} modes",
                    layout.view_count(), frame_.y, frame_.x, services_.ranks.size(), services_.threads, layout.object.y,
                    layout.object.x, layout.pixel_size_m.x * 1e9, modes, parameters_.object_modes));
    const double setup_seconds = seconds_since(begin);
    const auto iterations_start = Clock::now();
    const comm::Traffic before = services_.ranks.traffic();
    const Observer observe = observer(settings_.iterations, modes * parameters_.object_modes * layout.view_count(), "");
    const auto live_iterations = live_ ? static_cast<Index>(live_->history().size()) : 0;
    if (live_) figures["live"] = {{"iterations", live_iterations}, {"views", live_->view_count()}};
    Result<T> result = live_ ? finish_live(problem, std::move(state), observe)
                             : ptycho::reconstruct(problem, std::move(state), settings_, kernels, services_.ranks,
                                                   observe, paging(), checkpoints ? &*checkpoints : nullptr);
    stopped_ = result.stopped;
    advise(result);
    figures.update(report(result, problem, modes));
    figures["setup_seconds"] = setup_seconds;
    figures["resumed_after_iteration"] = done;
    figures["frames_that_came_early"] = came_early_;
    figures["iteration_seconds"] = seconds_since(iterations_start);
    const Index iterated = std::max<Index>(1, static_cast<Index>(result.history.size()) - done - live_iterations);
    figures["distribution"] = distribution_figures(problem.distribution(), problem.local_count(),
                                                   problem.shared_count(), services_.ranks, before, iterated);
    fill_packet(packet, result, layout, scan_.positions_m(), rows_of(problem));
    if (parameters_.half_scans == HalfScans::reconstruct && !result.stopped) {
      add_halves(packet, problem, result, kernels);
    }
  }

  void clean_up() override {
    if (parameters_.checkpoint.every == 0 || stopped_) return;  // one that was stopped may go on later
    services_.ranks.barrier();
    if (services_.ranks.is_root()) CheckpointFiles(parameters_.checkpoint.file).remove_all();
  }

 private:
  PagingPlan paging() const {
    if (services_.gpu || !services_.plan.exit_waves_in_scratch) return {};
    return {services_.scratch, services_.plan.slab_views, services_.plan.resident_slabs};
  }

  /// Threads that nobody needs until all frames are there are not made before.
  Kernels<T>& kernels() {
    if (!kernels_) {
      threads_.emplace(services_.threads);
      kernels_ = services_.gpu ? make_gpu_kernels<T>(*services_.gpu, frame_) : make_cpu_kernels<T>(*threads_, frame_);
    }
    return *kernels_;
  }

  void begin_live(Index views) {
    services_.info(fmt::format("{} views are there: starting", views));
    scan_.anchor();
    live_.emplace(settings_, kernels(), services_.ranks);
  }

  /// The same on all ranks. Collective.
  bool wants_preview() const {
    return parameters_.whole_object != WholeObject::never && !live_->history().empty() &&
           services_.ranks.max(seconds_since(last_preview_)) >= seconds_between_previews;
  }

  Result<T> finish_live(const Problem<T>& problem, State<T> start, const Observer& observe) {
    live_->take(problem, std::move(start));
    return live_->finish(observe);
  }

  /// What the parameters leave to the scan.
  /// @param done  iterations that a checkpoint has behind it
  void settle_start(const Problem<T>& problem, Index done) {
    const Yx<double> pixel_m = problem.layout().pixel_size_m;
    if (parameters_.probe_support_m) {
      settings_.probe_support_px = *parameters_.probe_support_m / std::max(pixel_m.y, pixel_m.x);
    }
    if (parameters_.find_defocus && done == 0) guess_.probe = ProbeFromData{find_defocus(problem, kernels())};
  }

  State<T> start(const Problem<T>& problem, Index modes) const {
    return start_state<T>(guess_, scan_.light(), problem.layout(), problem.distribution().rows, modes,
                          parameters_.object_modes);
  }

  std::optional<device::Share> rows_of(const Problem<T>& problem) const {
    return settings_.gather_object ? std::nullopt : std::optional(problem.distribution().owned);
  }

  static std::string text_of(const IterationFigures& f) {
    return fmt::format("ε_O {:.1e}  ε_P {:.1e}  R {:.4f}", std::ranges::max(f.object_change),
                       std::ranges::max(f.probe_change), f.fourier_error);
  }

  Observer observer(Index iterations, Index view_modes, const std::string& what) const {
    const Index before = live_ ? static_cast<Index>(live_->history().size()) : 0;
    return [=, this](const IterationFigures& f) {
      services_.progress(
          f.iteration - before, iterations,
          fmt::format("{}{}  {:.3g} view·modes/s", what, text_of(f), static_cast<double>(view_modes) / f.seconds));
      return services_.should_stop() ? Wish::stop : Wish::go_on;
    };
  }

  /// Where the sample is, as the views in the middle of the scan tell. Collective.
  double find_defocus(const Problem<T>& problem, Kernels<T>& kernels) const {
    const auto numbers = central_views(scan_.positions_m(), defocus_views);
    const Layout layout = layout_of(problem.layout(), numbers);
    std::vector<LocalView> views;
    for (const LocalView& v : problem.views()) {
      const auto place = std::ranges::lower_bound(numbers, v.scan_index);
      if (place != numbers.end() && *place == v.scan_index)
        views.push_back({static_cast<Index>(place - numbers.begin()), v.frame_index});
    }
    const Problem<T> middle(layout, problem.shared_magnitudes(), views, scan_.distribution_of(layout, views));
    Settings settings = settings_;
    settings.iterations = defocus_iterations;
    settings.average_from = 1;
    settings.tolerance = 0;
    const auto r_factor = [&](double defocus_m) {
      GuessSettings guess = parameters_.guess;
      guess.probe = ProbeFromData{defocus_m};
      State<T> start = start_state<T>(guess, scan_.light(), layout, middle.distribution().rows, 1, 1);
      const auto what = fmt::format("defocus {:.2g} m  ", defocus_m);
      return ptycho::reconstruct(middle, std::move(start), settings, kernels, services_.ranks,
                                 observer(defocus_iterations, layout.view_count(), what))
          .r_factor;
    };
    const auto trials = search_defocus(farthest_defocus_m(scan_.light(), layout), r_factor);
    services_.info(fmt::format("defocus_m: auto chose {:.2e}: R {:.3f} on {} views; R {:.3f} at the focus",
                               trials.front().defocus_m, trials.front().r_factor, layout.view_count(),
                               std::ranges::find(trials, 0.0, &DefocusTrial::defocus_m)->r_factor));
    return trials.front().defocus_m;
  }

  Index find_modes(const Problem<T>& problem, Kernels<T>& kernels) const {
    const Index trial = parameters_.trial_iterations;
    const auto start_with = [&](Index modes) { return start(problem, modes); };
    const Index modes =
        find_probe_modes<T>(problem, start_with, settings_, trial, parameters_.max_probe_modes, kernels,
                            services_.ranks, observer(trial, problem.layout().view_count(), "trial  "), paging());
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

  void add_halves(stage::Packet& packet, const Problem<T>& problem, const Result<T>& whole, Kernels<T>& kernels) const {
    const Layout& layout = problem.layout();
    const bool root = services_.ranks.is_root();  // which alone has the object
    device::Array<Complex<T>, 3> halves({root ? 2 : 0, layout.object.y, layout.object.x});
    for (Index half = 0; half < 2; ++half) {
      State<T> state = start_state<T>(parameters_.guess, scan_.light(), layout, problem.distribution().rows,
                                      whole.probe.extent(0), parameters_.object_modes);
      std::copy(whole.probe.begin(), whole.probe.end(), state.probe.begin());
      const Problem<T> part = problem.part(half, 2);
      const auto result =
          ptycho::reconstruct(part, std::move(state), settings_, kernels, services_.ranks,
                              observer(settings_.iterations, whole.probe.extent(0) * layout.view_count() / 2,
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
      figures["gpu"] = services_.gpu->description();
      Workload work{
          frame_, problem.held(),           problem.local_count(),   static_cast<Index>(problem.windows_here().size()),
          modes,  parameters_.object_modes, parameters_.real_bytes()};
      work.whole_sums = settings_.sums == Sums::whole_numbers;
      work.live = parameters_.live.has_value();
      work.next_follows = parameters_.gpu.next_follows;
      work.magnitudes = frames_.memory() == services_.gpu->memory() ? MagnitudesLie::on_the_device
                                                                    : MagnitudesLie::with_the_processor;
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
    all.emplace_back("frames", fmt::format("{} of {}x{}", scan_.positions_m().size(), frame_.y, frame_.x));
    all.emplace_back("geometry", fmt::format("{} {} {}", metadata.at("wavelength_m").dump(),
                                             metadata.at("distance_m").dump(), metadata.at("detector_pixel_m").dump()));
    all.emplace_back("positions, checksum", crc(scan_.positions_m()));
    all.emplace_back("mean frame, checksum", crc(scan_.light().mean_counts));
    all.emplace_back("starting probe, checksum", crc(scan_.light().initial_probe));
    return all;
  }

  const Parameters& parameters_;
  Yx<Index> frame_;
  Services services_;
  Settings settings_ = parameters_.settings;
  GuessSettings guess_ = parameters_.guess;
  std::optional<device::ThreadPool> threads_;
  std::unique_ptr<Kernels<T>> kernels_;
  FrameStore<T>& frames_ = static_cast<FrameStore<T>&>(*services_.frames);
  Index came_early_ = 0;  ///< frames that the store had before their packets came
  GatheredScan<T> scan_;
  std::optional<LiveReconstruction<T>> live_;
  Clock::time_point last_preview_{};
  bool stopped_ = false;
};

}  // namespace

std::unique_ptr<ScanJob> make_scan_job(const Parameters& parameters, Yx<Index> frame, Services services) {
  if (parameters.precision == Precision::twofold) {
    return std::make_unique<Job<double>>(parameters, frame, std::move(services));
  }
  return std::make_unique<Job<float>>(parameters, frame, std::move(services));
}

}  // namespace ptychoflow::ptycho_dm
