// Stage load: a scan from a file, in whatever format. Each rank opens it read-only and reads its own share of the
// frames.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <sstream>
#include <utility>

#include "core/comm/communicator.hpp"
#include "core/io/read_ahead.hpp"
#include "load_schema.hpp"
#include "plugin/api/stage.hpp"
#include "plugin/stages/load/follower.hpp"
#include "plugin/stages/load/next_scan.hpp"
#include "plugin/stages/load/open_scan.hpp"
#include "plugin/stages/load/parameters.hpp"

namespace ptychoflow::load {

namespace {

using stage::Description;
using stage::Json;
using stage::Packet;

class Load : public stage::Stage {
 public:
  Description configure(const Json& params, const Description&) override {
    params_ = read_parameters(params);
    number_ = group().number;
    if (speaks_for_all() && params_.left_out > 0) {
      info(fmt::format("{} of {} scans are left out, as their results are there", params_.left_out,
                       params_.left_out + params_.scans.size()));
    }
    if (params_.follow) return follow_scan();
    require_files();
    stream_ = open_first_good();
    ended_ = number_ >= params_.scans.size();
    Description declared = stream_;
    if (params_.scans.size() > 1) {  // what differs from scan to scan is on their packets alone
      for (const char* key : {"scan", "source", "rotation_deg", "frame_count"}) declared.metadata.erase(key);
      if (declared.has("truth_object")) {
        for (const char* name : {"truth_object", "truth_offset_px"}) {
          for (Json& extent : declared.tensors[name]["shape"]) extent = nullptr;
        }
      }
    }
    return declared;
  }

  bool produce() override {
    if (ended_) return false;
    if (params_.follow) return produce_following();
    if (done_ == 0 && opened_ != number_) open_next();
    const auto& share = now_.share;
    const auto count = std::min(static_cast<std::size_t>(params_.block_frames), share.size() - done_);
    const auto numbers = std::span<const Index>(share).subspan(done_, count);
    Packet packet = done_ < now_.ahead ? now_.scan->packet_without_frames(numbers, done_ == 0)
                                       : now_.scan->packet(numbers, done_ == 0);
    packet.metadata = metadata_;
    done_ += count;
    if (done_ == share.size()) {
      now_.scan->require_light(share);
      packet.metadata["ends_scan"] = true;
      read_next_ahead();
    }
    const std::string which =
        params_.scans.size() > 1 ? fmt::format(" of scan {} of {}", number_ + 1, params_.scans.size()) : "";
    progress(static_cast<Index>(done_), static_cast<Index>(share.size()), "frames read" + which);
    emit(packet);
    if (done_ == share.size()) {
      if (params_.scans.size() > 1 && all_should_stop()) ended_ = true;  // between two scans nothing is lost
      move_on();
    }
    return !ended_;
  }

  std::string current_scan() const override { return ended_ ? "" : params_.scans[number_].name(); }
  void abandon_scan() override { move_on(); }

 private:
  /// A series must not fail after hours for a file that was never there.
  void require_files() const {
    for (const auto& scan : params_.scans) {
      if (params_.scans.size() > 1 && !std::filesystem::exists(scan.file)) {
        throw Error(ErrorCode::data, scan.file + ": there is no such file: correct files, or leave it out");
      }
    }
  }

  /// While the stages downstream are busy with this scan.
  void read_next_ahead() {
    const std::size_t next = number_ + group().count;
    if (next >= params_.scans.size()) return;
    if (!can_send_ahead() || !io::can_read_beside_others()) return read_into_cache(next);
    const auto open = [this, next] {
      ScanInHand scan = open_scan(next);
      require_alike(scan);
      return scan;
    };
    const auto send = [this, next](Packet& packet) {
      send_ahead(packet);
      const bool taken = !packet.has("frames");
      if (!taken) read_into_cache(next);
      return taken;
    };
    next_ = std::make_unique<NextScan>(next, open, send, params_.block_frames);
  }

  /// Where ranks share a machine, they share the reading, too.
  void read_into_cache(std::size_t number) {
    cached_.emplace(params_.scans[number].file, host().rank, host().rank_count);
  }

  /// To the next scan, on all ranks alike: they have agreed that the one before is done, or bad.
  void move_on() {
    done_ = 0;
    const std::size_t next = number_ + group().count;
    if (next < params_.scans.size()) {
      number_ = next;
    } else {
      ended_ = true;
    }
  }

  /// Ranks may learn at different moments that the user wants to stop. Collective.
  bool all_should_stop() const {
    agree();
    return comm::Communicator(host().mpi_communicator(&host())).max(should_stop() ? 1 : 0) > 0;
  }

  /// Opens a scan and describes the stream that it gives. On any thread, but for the first scan, whose orientation may
  /// be to be found.
  ScanInHand open_scan(std::size_t number) {
    const auto to_root = [this](ptychoflow_log_level level) {
      return [this, level](const std::string& text) {
        if (is_root()) log(level, text);
      };
    };
    auto scan =
        std::make_unique<OpenScan>(params_, params_.scans[number], OpenScan::Place{host().rank, host().rank_count},
                                   to_root(PTYCHOFLOW_LOG_INFO), to_root(PTYCHOFLOW_LOG_WARNING));
    scan->place_views();
    if (params_.find_orientation) {
      choose_orientation(*scan);
      scan->place_views();
    }
    auto share = params_.follow ? std::vector<Index>{} : scan->share_out();
    Description stream = scan->describe();
    return {std::move(scan), std::move(stream), std::move(share)};
  }

  void go_to(std::size_t number, ScanInHand scan) {
    now_ = std::move(scan);
    metadata_ = now_.stream.metadata;
    opened_ = number;
  }

  /// Waits for the first frames, which say what the stream looks like.
  Description follow_scan() {
    const std::string& file = params_.scans.front().file;
    follower_.emplace(
        file, *params_.follow, [this] { return find_frames(params_); }, [this] { return should_stop(); });
    follower_->wait_for_frames();
    go_to(0, open_scan(0));
    now_.scan->close();
    if (const auto frames = params_.follow->frames) {  // that are expected: it may turn out otherwise
      metadata_["frame_count"] = *frames;
      metadata_["frame_count_local"] = (*frames + host().rank_count - 1) / host().rank_count;
    }
    return now_.stream;
  }

  /// What the root sees. Collective.
  Sight look() {
    std::string seen;
    if (is_root()) {
      const Sight sight = follower_->look();
      seen = fmt::format("{} {}", sight.frames, static_cast<int>(sight.end));
    }
    agree();
    comm::Communicator(host().mpi_communicator(&host())).broadcast(seen);
    std::istringstream words(seen);
    Sight sight;
    int end = 0;
    words >> sight.frames >> end;
    sight.end = static_cast<End>(end);
    return sight;
  }

  /// The frames that have come: ranks take them in turn. A packet without any lets stages downstream use the time.
  bool produce_following() {
    const Sight sight = look();
    const Index ranks = host().rank_count, after = std::min(sight.frames, taken_ + params_.block_frames * ranks);
    if (after > taken_) now_.scan->open_again(after);
    std::vector<Index> numbers;
    for (Index j = taken_; j < after; ++j) {
      if (j % ranks == host().rank) numbers.push_back(j);
    }
    Packet packet = now_.scan->packet(numbers, taken_ == 0);
    now_.scan->close();
    now_.share.insert(now_.share.end(), numbers.begin(), numbers.end());
    taken_ = after;
    packet.metadata = metadata_;
    ended_ = sight.end != End::none && after == sight.frames;
    packet.metadata["following"] = after == sight.frames && !ended_;
    if (ended_) end_following(sight, packet.metadata);
    emit(packet);
    return !ended_;
  }

  void end_following(const Sight& sight, Json& metadata) {
    if (is_root()) {
      const std::string& file = params_.scans.front().file;
      if (sight.end == End::timed_out) {
        warn(fmt::format("{}: no frame has come for {} s: the scan is taken to have ended, with {} frames", file,
                         params_.follow->timeout_s, sight.frames));
      } else if (sight.end == End::complete && sight.frames < params_.follow->frames.value_or(0)) {
        warn(fmt::format("{}: it was closed with {} frames, and {} were to come", file, sight.frames,
                         *params_.follow->frames));
      } else {
        info(fmt::format("{}: {} frames", file, sight.frames));
      }
    }
    now_.scan->require_light(now_.share);
    metadata["frame_count"] = sight.frames;
    metadata["frame_count_local"] = now_.share.size();
    metadata["ends_scan"] = true;
  }

  /// The first scan that can be read says what the stream looks like; those before it fail when it is their turn.
  Description open_first_good() {
    for (std::size_t number = 0;; ++number) {
      try {
        go_to(number, open_scan(number));
        return now_.stream;
      } catch (const Error& e) {
        if (e.code() != ErrorCode::data || number + 1 == params_.scans.size()) throw;
        if (is_root()) warn(fmt::format("{}; the next scan says what the stream looks like", e.what()));
      }
    }
  }

  void open_next() {
    opened_.reset();
    const auto next = std::exchange(next_, nullptr);
    ScanInHand scan = next && next->number() == number_ ? next->take() : open_scan(number_);
    cached_.reset();
    require_alike(scan);
    go_to(number_, std::move(scan));
  }

  /// The stages downstream were configured for the first good scan: later ones must be like it.
  void require_alike(const ScanInHand& scan) const {
    const Description& here = scan.stream;
    const auto differ = [&](const std::string& what) {
      throw Error(ErrorCode::data,
                  fmt::format("{}: its {} differ from those of {}: scans of one series "
                              "must be alike; reconstruct it in a run of its own",
                              scan.scan->header().file, what, stream_.metadata.at("source").get<std::string>()));
    };
    const Json& frames = here.tensors["frames"];
    if (frames != stream_.tensors["frames"]) differ("frames' type or size");
    for (const char* name : {"initial_probe", "truth_object"}) {
      if (here.has(name) != stream_.has(name)) differ(fmt::format("tensors ({})", name));
    }
    for (const char* key : {"wavelength_m", "distance_m", "detector_pixel_m", "negative_is_masked"}) {
      if (here.metadata.value(key, Json()) != stream_.metadata.value(key, Json()))
        differ(fmt::format("metadata ({})", key));
    }
  }

  /// For this scan and all that follow. Collective: the root tries, and all take what it found.
  void choose_orientation(OpenScan& scan) {
    std::string chosen;
    if (is_root()) {
      device::ThreadPool threads(std::max(1, static_cast<int>(host().threads)));
      const auto trials = scan.try_orientations(threads);
      const auto& best = trials.front().orientation;
      for (const bool is : {best.swap_xy, best.flip_x, best.flip_y}) chosen += is ? '1' : '0';
      info(fmt::format("{}: positions: auto chose {}: R {:.3f} on some views, the next best has {:.3f}",
                       scan.header().file, best.text(), trials[0].r_factor, trials[1].r_factor));
    }
    agree();
    comm::Communicator(host().mpi_communicator(&host())).broadcast(chosen);
    params_.swap_xy = chosen[0] == '1';
    params_.flip_x = chosen[1] == '1';
    params_.flip_y = chosen[2] == '1';
    params_.find_orientation = false;
  }

  Parameters params_;
  std::size_t number_ = 0;             ///< of the scan that is being read, or is next
  std::optional<std::size_t> opened_;  ///< the scan that is open, and fits
  bool ended_ = false;                 ///< no more scans
  Description stream_;                 ///< of the first good scan
  ScanInHand now_;
  std::optional<Follower> follower_;  ///< of a scan that is still running
  Json metadata_;
  std::size_t done_ = 0;                 ///< of this rank's frames
  Index taken_ = 0;                      ///< frames of a scan that is still running, on all ranks
  std::optional<io::ReadAhead> cached_;  ///< of the next scan
  std::unique_ptr<NextScan> next_;       ///< last: its thread uses the rest
};

}  // namespace

PTYCHOFLOW_STAGE(Load, .name = "load", .summary = "Reads a scan from a file: CXI, NeXus, HXN, PtyPy, EIGER",
                 .parameters_schema = load_schema, .consumes = {},
                 .produces = {"frames", "frame_index", "positions_m", "mask", "initial_probe", "truth_object",
                              "truth_probe", "truth_offset_px"})

}  // namespace ptychoflow::load
