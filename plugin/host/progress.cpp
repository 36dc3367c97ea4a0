#include "plugin/host/progress.hpp"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace ptychoflow::host {
namespace {

constexpr auto terminal_period = std::chrono::milliseconds(100);
constexpr auto plain_period = std::chrono::seconds(5);
constexpr int bar_width = 20;
constexpr int usual_columns = 100;

std::string duration(double seconds) {
  const auto s = static_cast<std::int64_t>(std::lround(seconds));
  if (s >= 3600) return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
  return fmt::format("{}:{:02}", s / 60, s % 60);
}

int terminal_columns() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : usual_columns;
}

/// The first `columns` characters of UTF-8 text.
std::string cut(const std::string& text, int columns) {
  int seen = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool starts_character = (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
    if (starts_character && seen++ == columns) return text.substr(0, i);
  }
  return text;
}

}  // namespace

std::string progress_line(const ProgressState& state, int columns) {
  std::string line = state.stage;
  if (state.total > 0) {
    const double part = std::clamp(static_cast<double>(state.done) / static_cast<double>(state.total), 0.0, 1.0);
    const int full = static_cast<int>(part * bar_width);
    const int width = static_cast<int>(std::to_string(state.total).size());
    line += fmt::format(" [{:-<{}}]  {:>{}}/{}  {:3.0f} %", std::string(full, '#'), bar_width, state.done, width,
                        state.total, std::floor(100 * part));
  } else {
    line += fmt::format("  {}", state.done);
  }
  if (!state.text.empty()) line += "  " + state.text;
  if (state.seconds_left >= 0) line += "  " + duration(state.seconds_left) + " left";
  return columns > 0 ? cut(line, columns) : line;
}

/// Writes log lines above the progress line.
class Screen::Sink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  const bool on_terminal = isatty(STDERR_FILENO) == 1;

  void draw(const std::string& line) {
    const std::lock_guard lock(mutex_);
    if (on_terminal) {
      drawn_ = line;
      write("\r" + line + "\x1b[K");
    } else {
      write(line + "\n");
    }
  }

  void leave_line() {
    const std::lock_guard lock(mutex_);
    if (!drawn_.empty()) write("\n");
    drawn_.clear();
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t text;
    formatter_->format(message, text);
    const std::string line(text.data(), text.size());
    write(drawn_.empty() ? line : "\r\x1b[K" + line + drawn_);
  }
  void flush_() override { std::fflush(stderr); }

 private:
  static void write(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
  }

  std::string drawn_;
};

Screen::Screen(Verbosity verbosity, int rank, std::string host)
    : sink_(std::make_shared<Sink>()),
      logger_(std::make_unique<spdlog::logger>("ptychoflow", sink_)),
      verbosity_(verbosity),
      rank_(rank),
      host_(std::move(host)) {
  logger_->set_pattern("[%l] %v");
  const bool root = rank == 0;
  logger_->set_level(!root || verbosity == Verbosity::quiet ? spdlog::level::warn
                     : verbosity == Verbosity::debug        ? spdlog::level::debug
                                                            : spdlog::level::info);
}

Screen::~Screen() { end_progress(); }

void Screen::log(ptychoflow_log_level level, const std::string& text) const {
  const auto to = level == PTYCHOFLOW_LOG_DEBUG     ? spdlog::level::debug
                  : level == PTYCHOFLOW_LOG_INFO    ? spdlog::level::info
                  : level == PTYCHOFLOW_LOG_WARNING ? spdlog::level::warn
                                                    : spdlog::level::err;
  if (rank_ == 0) {
    logger_->log(to, text);
  } else {
    logger_->log(to, "rank {} on {}: {}", rank_, host_, text);
  }
}

void Screen::progress(const std::string& stage, const ptychoflow_progress& progress) {
  if (observer_) observer_(stage, progress);
  if (rank_ != 0 || verbosity_ == Verbosity::quiet) return;
  const auto now = Clock::now();
  if (stage != state_.stage || progress.done < state_.done) {
    end_progress();
    first_done_ = progress.done;
    first_time_ = now;
    shown_time_ = sink_->on_terminal ? Clock::time_point{} : now;
  }
  const auto steps = progress.done - first_done_;
  const double seconds = std::chrono::duration<double>(now - first_time_).count();
  const bool predictable = steps > 0 && progress.done < progress.total;
  state_ = {
      stage, progress.done, progress.total, progress.text ? progress.text : "",
      predictable ? seconds / static_cast<double>(steps) * static_cast<double>(progress.total - progress.done) : -1.0};
  unseen_ = true;
  const bool complete = progress.total > 0 && progress.done >= progress.total;
  if (complete || now - shown_time_ >= (sink_->on_terminal ? Clock::duration(terminal_period) : plain_period)) show();
}

void Screen::show() {
  sink_->draw(progress_line(state_, sink_->on_terminal ? terminal_columns() - 1 : 0));
  shown_time_ = Clock::now();
  unseen_ = false;
}

void Screen::end_progress() {
  if (unseen_) show();
  sink_->leave_line();
  state_ = {};
}

}  // namespace ptychoflow::host
