#include "tests/played_card/card.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <utility>

#include "tests/played_card/errors.hpp"

namespace played_card {
namespace {

const char* wish(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value ? value : otherwise;
}

bool loses_the_card(cudaError_t error) {
  return error != cudaErrorMemoryAllocation && error != cudaErrorNoDevice && error != cudaErrorInsufficientDriver;
}

}  // namespace

bool Recording::joined() const {
  for (std::size_t line = 1; line < given.size(); ++line) {
    const bool awaited = std::any_of(parts.begin(), parts.end(), [&](const Part& part) {
      return part.line != line && part.awaited_line == line && part.awaited_position == given[line];
    });
    if (!awaited) return false;
  }
  return true;
}

Card& Card::instance() {
  static Card* const card = new Card;  // lives on: arrays that others keep may be released after it
  return *card;
}

Card::Card() : total_(std::strtoull(wish("PLAYED_CARD_BYTES", "4294967296"), nullptr, 10)) {
  const std::string order = wish("PLAYED_CARD_ORDER", "late");
  order_ = order == "late" ? Order::late : order == "soon" ? Order::soon : Order::random;
  random_.seed(static_cast<unsigned>(std::atoi(order.c_str())));
  if (std::getenv("PLAYED_CARD_PEAK")) {
    std::atexit([] { std::ofstream(std::getenv("PLAYED_CARD_PEAK")) << instance().peak() << '\n'; });
  }
  const std::string rank = wish("PLAYED_CARD_FAULT_RANK", "");
  const std::string text = wish("PLAYED_CARD_FAULT", "");
  if (text.empty() || (!rank.empty() && rank != wish("OMPI_COMM_WORLD_RANK", "0"))) return;
  const std::size_t first = text.find(':'), second = text.find(':', first + 1);
  fault_call_ = text.substr(0, first);
  fault_number_ = std::strtoull(text.c_str() + first + 1, nullptr, 10);
  fault_error_ = error_named(text.substr(second + 1));
}

bool Card::faults_now(const char* name) { return fault_call_ == name && ++fault_calls_ == fault_number_; }

cudaError_t Card::fault(const char* name) {
  if (lost_ != cudaSuccess) return lost_;
  if (!faults_now(name)) return cudaSuccess;
  if (loses_the_card(fault_error_)) lost_ = fault_error_;
  return fault_error_;
}

cudaError_t Card::take_last_error() {
  const std::lock_guard lock(mutex_);
  return std::exchange(last_error_, lost_);
}

int Card::visible() const {
  const char* listed = std::getenv("CUDA_VISIBLE_DEVICES");
  const int there = std::atoi(wish("PLAYED_CARDS", "1"));
  if (!listed) return there;
  const std::string list = listed;
  return list.empty() ? 0 : std::min(there, 1 + static_cast<int>(std::count(list.begin(), list.end(), ',')));
}

void Card::enter(const std::shared_ptr<Line>& line, bool waits_for_default) { lines_[line] = waits_for_default; }
void Card::leave(const std::shared_ptr<Line>& line) { lines_.erase(line); }

void Card::give(Line& line, Step step) {
  line.steps.push_back(std::move(step));
  ++line.given;
  maybe_go_on();
}

void Card::maybe_go_on() {
  if (order_ == Order::late) return;
  if (order_ == Order::soon) return reach_all(false);
  while (random_() % 4 != 0) {
    std::vector<Line*> waiting;
    for (const auto& [line, waits] : lines_) {
      if (!line->steps.empty()) waiting.push_back(line.get());
    }
    if (waiting.empty()) return;
    Line& line = *waiting[random_() % waiting.size()];
    reach(line, line.done + 1);
  }
}

void Card::reach(Line& line, std::uint64_t position) {
  with_open_memory([&] {
    while (line.done < position) take_step(line);
  });
}

void Card::reach_all(bool those_that_wait_for_default_only) {
  const auto lines = lines_;
  for (const auto& [line, waits] : lines) {
    if (waits || !those_that_wait_for_default_only) reach(*line, line->given);
  }
}

void Card::take_step(Line& line) {
  const Step step = std::move(line.steps.front());
  line.steps.pop_front();
  if (step.awaited.line) {
    while (step.awaited.line->done < step.awaited.position) take_step(*step.awaited.line);
  }
  if (step.work && lost_ == cudaSuccess) step.work();
  ++line.done;
}

void Card::play(const Recording& recording) {
  std::vector<std::shared_ptr<Line>> lines;
  for (std::size_t i = 0; i < recording.given.size(); ++i) lines.push_back(std::make_shared<Line>());
  for (const auto& part : recording.parts) {
    Moment awaited;
    if (part.awaited_position > 0) awaited = {lines[part.awaited_line], part.awaited_position};
    lines[part.line]->steps.push_back({part.work, awaited});
  }
  std::size_t left = recording.parts.size();
  while (left > 0) {
    std::vector<Line*> waiting;
    left = 0;
    for (const auto& line : lines) {
      if (!line->steps.empty()) waiting.push_back(line.get());
      left += line->steps.size();
    }
    if (left > 0) take_step(*waiting[order_ == Order::random ? random_() % waiting.size() : 0]);
  }
}

Recording*& Card::capture() {
  thread_local Recording* recording = nullptr;
  return recording;
}

/// At the end of its pages, before one that nobody may touch.
void* Card::allocate(std::size_t bytes) {
  if (bytes > total_ - used_) return nullptr;
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t size = (bytes + 63) / 64 * 64, pages = (size + page - 1) / page * page;
  void* start = mmap(nullptr, pages + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) return nullptr;
  const Block block{static_cast<char*>(start), pages, bytes};
  char* data = block.pages + (pages - size);
  blocks_[data] = block;
  used_ += bytes;
  peak_ = std::max(peak_, used_);
  with_open_memory([&] {
    mprotect(block.pages, pages, PROT_READ | PROT_WRITE);
    std::memset(data, 0xFF, size);  // NaN where forgotten
  });
  return data;
}

void* Card::allocate_pinned(std::size_t bytes) {
  void* data = std::aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
  if (data) {
    std::memset(data, 0xFF, bytes);
    pinned_[static_cast<char*>(data)] = bytes;
  }
  return data;
}

/// As a card does: once all it was given is done.
bool Card::release(void* data) {
  reach_all(false);
  if (const auto found = blocks_.find(static_cast<char*>(data)); found != blocks_.end()) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    munmap(found->second.pages, found->second.page_bytes + page);
    used_ -= found->second.bytes;
    blocks_.erase(found);
    return true;
  }
  if (pinned_.erase(static_cast<char*>(data)) == 0) return false;
  std::free(data);
  return true;
}

bool Card::owns(const void* data, std::size_t bytes) const {
  const char* first = static_cast<const char*>(data);
  const auto after = blocks_.upper_bound(first);
  if (after == blocks_.begin()) return false;
  const auto& [start, block] = *std::prev(after);
  return first + bytes <= start + block.bytes;
}

bool Card::pinned(const void* data, std::size_t bytes) const {
  const char* first = static_cast<const char*>(data);
  const auto after = pinned_.upper_bound(first);
  if (after == pinned_.begin()) return false;
  const auto& [start, size] = *std::prev(after);
  return first + bytes <= start + size;
}

void Card::run_kernel(const Work& work) {
  if (faults_now("launch")) {
    lost_ = fault_error_;
    return;
  }
  work();
}

void Card::protect(int protection) {
  for (const auto& [data, block] : blocks_) mprotect(block.pages, block.page_bytes, protection);
}

template <class Body>
void Card::with_open_memory(const Body& body) {
  if (open_++ == 0) protect(PROT_READ | PROT_WRITE);
  body();
  if (--open_ == 0) protect(PROT_NONE);
}

}  // namespace played_card
