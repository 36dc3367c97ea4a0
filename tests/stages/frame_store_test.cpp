// Frames of any type, in blocks of any size, become magnitudes in the processor's memory and in a device's; faults
// come to the thread that calls.
#include "plugin/stages/ptycho_dm/frame_store.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/device/on_host.hpp"
#include "core/ptycho/gpu.hpp"
#include "plugin/stages/ptycho_dm/early_frames.hpp"
#include "tests/support/host_queue.hpp"

namespace ptychoflow::ptycho_dm {
namespace {

using ptycho::test::GuardedMemory;
using stage::Packet;
using stage::Tensor;

constexpr Index ny = 5, nx = 42;

template <class Count>
Count count_of(Index j, Index y, Index x) {
  return static_cast<Count>((31 * j + 17 * y + 5 * x) % 200);
}

/// Frames [first, last).
template <class Count>
Packet frames(Index first, Index last, ptycho::Yx<Index> size = {ny, nx}) {
  device::Array<Count, 3> counts({last - first, size.y, size.x});
  std::vector<std::int64_t> index;
  std::vector<double> positions;
  for (Index j = first; j < last; ++j) {
    for (Index y = 0; y < size.y; ++y) {
      for (Index x = 0; x < size.x; ++x) counts(j - first, y, x) = count_of<Count>(j, y, x);
    }
    index.push_back(j);
    positions.insert(positions.end(), {static_cast<double>(j), -static_cast<double>(j)});
  }
  Packet packet;
  packet.tensors.emplace("frames", Tensor::own(std::move(counts)));
  packet.tensors.emplace("frame_index", Tensor::own(std::move(index), {last - first}));
  packet.tensors.emplace("positions_m", Tensor::own(std::move(positions), {last - first, 2}));
  return packet;
}

/// One frame with one pixel that is not as the others.
template <class Count>
Packet frame_with(Count count, Index y, Index x) {
  Packet packet = frames<Count>(0, 1);
  packet.tensors.at("frames").view<Count, 3>()(0, y, x) = count;
  return packet;
}

device::Array<std::uint8_t, 2> mask_with(Index y, Index x) {
  device::Array<std::uint8_t, 2> mask({ny, nx});
  mask(y, x) = 1;
  return mask;
}

template <class T>
void add(FrameStore<T>& store, Packet packet) {
  store.add(packet);
}

/// Code and text of the error that `body` throws.
template <class Body>
std::pair<ErrorCode, std::string> error_of(const Body& body) {
  try {
    body();
  } catch (const Error& e) {
    return {e.code(), e.what()};
  }
  return {ErrorCode::other, "no error"};
}

/// A device on which nothing arrives.
class BrokenMemory final : public device::Memory {
 public:
  void* allocate(std::size_t bytes) override { return guarded_.allocate(bytes); }
  void release(void* data) noexcept override { guarded_.release(data); }
  void clear(void*, std::size_t) override {}
  void copy_in(void*, const void*, std::size_t) override {}
  void copy_out(void*, const void*, std::size_t) override {}
  std::unique_ptr<device::Upload> upload() override { return std::make_unique<Broken>(); }

 private:
  struct Broken final : device::Upload {
    void copy_in(void*, const void*, std::size_t) override { throw Error(ErrorCode::resource, "the card fell out"); }
    void finish() override {}
  };
  GuardedMemory guarded_;
};

template <class Types>
struct Frames : ::testing::Test {
  using Real = typename Types::first_type;
  using Count = typename Types::second_type;

  /// Seven frames, in blocks as given, the pixel (1, 3) masked.
  static void expect_magnitudes(device::Memory* memory, Index expected, const std::vector<Index>& blocks) {
    FrameStore<Real> store({ny, nx}, expected, memory);
    store.set_mask(mask_with(1, 3));
    Index first = 0;
    for (const Index size : blocks) {
      add(store, frames<Count>(first, first + size));
      first += size;
    }
    const auto taken = store.take_magnitudes();
    EXPECT_EQ(taken->memory(), memory);
    const device::OnHost magnitudes(*taken);
    ASSERT_GE(taken->extent(0), 7);
    for (Index y = 0; y < ny; ++y) {
      for (Index x = 0; x < nx; ++x) {
        const bool masked = y == 1 && x == 3;
        double sum = 0;
        for (Index j = 0; j < 7; ++j) {
          const auto count = static_cast<Real>(count_of<Count>(j, y, x));
          const Real found = magnitudes.view()(j, (y + 3) % ny, (x + 21) % nx);
          ASSERT_EQ(found, masked ? Real(-1) : std::sqrt(count)) << j << ' ' << y << ' ' << x;
          sum += masked ? 0 : static_cast<double>(count);
        }
        ASSERT_EQ(store.summed_counts()(y, x), sum);
      }
    }
    EXPECT_EQ(store.frame_index(), (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6}));
    EXPECT_EQ(store.positions_m()[7], -3.0);
  }
};

using AllTypes = ::testing::Types<std::pair<float, std::uint8_t>, std::pair<float, std::uint16_t>,
                                  std::pair<float, std::uint32_t>, std::pair<float, std::int32_t>,
                                  std::pair<float, float>, std::pair<double, std::uint16_t>, std::pair<double, double>>;
TYPED_TEST_SUITE(Frames, AllTypes, );

TYPED_TEST(Frames, BecomeMagnitudes) {
  this->expect_magnitudes(nullptr, 7, {7});
  this->expect_magnitudes(nullptr, 7, {3, 1, 3});
}

TYPED_TEST(Frames, BecomeMagnitudesInADevicesMemory) {
  GuardedMemory memory;
  this->expect_magnitudes(&memory, 7, {7});
  this->expect_magnitudes(&memory, 7, {3, 1, 3});
  EXPECT_EQ(memory.blocks(), 0u);
}

TYPED_TEST(Frames, MayBeMoreThanWereExpected) {
  GuardedMemory memory;
  for (device::Memory* where : {static_cast<device::Memory*>(nullptr), static_cast<device::Memory*>(&memory)}) {
    this->expect_magnitudes(where, 0, {1, 1, 2, 3});
    this->expect_magnitudes(where, 3, {2, 5});
  }
  EXPECT_EQ(memory.blocks(), 0u);
}

/// Of more than an upload takes at a time, and more of them than expected.
TEST(FramesOnAGpu, HaveTheSameMagnitudes) {
  std::unique_ptr<ptycho::Gpu> gpu;
  try {
    gpu = ptycho::open_gpu({}, {});
  } catch (const Error& e) {
    GTEST_SKIP() << e.what();
  }
  const ptycho::Yx<Index> size{601, 1030};
  FrameStore<float> there(size, 0, gpu->memory()), here(size, 0, nullptr);
  for (Index first = 0; first < 12; first += 3) {
    add(there, frames<std::uint16_t>(first, first + 3, size));
    add(here, frames<std::uint16_t>(first, first + 3, size));
  }
  const auto expected = here.take_magnitudes(), taken = there.take_magnitudes();
  const device::OnHost found(*taken);
  const Index pixels = 12 * size.y * size.x;
  EXPECT_TRUE(std::equal(expected->begin(), expected->begin() + pixels, found.view().begin()));
}

TEST(FrameStore, ANegativeCountMayMeanThatThePixelIsMasked) {
  FrameStore<float> store({ny, nx}, 1, nullptr);
  Packet packet = frame_with<float>(-7, 2, 30);
  packet.metadata["negative_is_masked"] = true;
  store.add(packet);
  store.finish();
  EXPECT_EQ(store.summed_counts()(2, 30), 0);
  EXPECT_EQ((*store.take_magnitudes())(0, 0, 9), -1);
}

TEST(FrameStore, SaysWhichPixelCannotBeACount) {
  const auto text = [](Packet packet) {
    FrameStore<float> store({ny, nx}, 1, nullptr);
    store.set_mask(mask_with(4, 41));
    store.add(packet);
    const auto [code, what] = error_of([&] { store.finish(); });
    return code == ErrorCode::data ? what : "not of the data: " + what;
  };
  EXPECT_EQ(text(frame_with<std::int32_t>(-7, 2, 30)), "a frame has -7 counts at pixel y 2, x 30: mask such pixels");
  EXPECT_EQ(text(frame_with<float>(std::nanf(""), 0, 0)), "a frame has nan counts at pixel y 0, x 0: mask such pixels");
  EXPECT_EQ(text(frame_with<double>(std::numeric_limits<double>::infinity(), 4, 40)),
            "a frame has inf counts at pixel y 4, x 40: mask such pixels");
  EXPECT_EQ(text(frame_with<float>(std::nanf(""), 4, 41)), "not of the data: no error");
}

TEST(FrameStore, AFaultComesWithTheNextCall) {
  const std::string expected = "a frame has -7 counts at pixel y 2, x 30: mask such pixels";
  FrameStore<float> store({ny, nx}, 2, nullptr);
  add(store, frame_with<std::int32_t>(-7, 2, 30));
  EXPECT_EQ(error_of([&] { add(store, frames<std::int32_t>(1, 2)); }).second, expected);

  FrameStore<float> other({ny, nx}, 2, nullptr);
  add(other, frame_with<std::int32_t>(-7, 2, 30));
  EXPECT_EQ(error_of([&] { other.take_magnitudes(); }).second, expected);

  FrameStore<float> left({ny, nx}, 2, nullptr);  // its end must not mind
  add(left, frame_with<std::int32_t>(-7, 2, 30));
}

TEST(FrameStore, AFaultOfEarlyFramesIsKeptUntilTheirTurn) {
  EarlyFrames good("good", std::make_unique<FrameStore<float>>(ptycho::Yx<Index>{ny, nx}, 2, nullptr));
  EarlyFrames bad("bad", std::make_unique<FrameStore<float>>(ptycho::Yx<Index>{ny, nx}, 2, nullptr));
  Packet first = frames<std::int32_t>(0, 1), fault = frame_with<std::int32_t>(-7, 2, 30);
  good.take(first);
  bad.take(fault);
  EXPECT_FALSE(first.has("frames") || fault.has("frames")) << "what is wrong shows later";
  EXPECT_TRUE(first.has("frame_index")) << "which comes again";
  Packet second = frames<std::int32_t>(1, 2);
  bad.take(second);
  EXPECT_TRUE(second.has("frames")) << "the fault is known by now";
  good.take(second);
  auto store = good.give();
  EXPECT_EQ(static_cast<FrameStore<float>&>(*store).take_magnitudes()->extent(0), 2);
  EXPECT_NE(error_of([&] { bad.give(); }).second.find("-7 counts at pixel y 2, x 30"), std::string::npos);
}

TEST(FrameStore, ADevicesFaultIsAMissingResource) {
  BrokenMemory memory;
  FrameStore<float> store({ny, nx}, 1, &memory);
  add(store, frames<std::uint16_t>(0, 1));
  EXPECT_EQ(error_of([&] { store.finish(); }), std::pair(ErrorCode::resource, std::string("the card fell out")));
}

TEST(FrameStore, RefusesWhatDoesNotFit) {
  FrameStore<float> store({ny, nx}, 1, nullptr);
  EXPECT_EQ(error_of([&] {
              store.set_mask(device::Array<std::uint8_t, 2>({ny, ny}));
            }).second,
            "the mask has 5×5 px, the frames 5×42");
  Packet packet = frames<std::uint16_t>(0, 2);
  packet.tensors.insert_or_assign("frame_index", Tensor::own(std::vector<std::int64_t>{0}, {1}));
  EXPECT_NE(error_of([&] { store.add(packet); }).second.find("do not fit together"), std::string::npos);
  add(store, frames<std::int64_t>(0, 1));
  EXPECT_EQ(error_of([&] { store.finish(); }).second, "frames of type int64 are not understood");
}

TEST(FrameStore, KnowsWhatTwoNeighbouringPacketsHold) {
  FrameStore<float> store({ny, nx}, 6, nullptr);
  constexpr std::size_t frame_bytes = 2 * ny * nx;
  add(store, frames<std::uint16_t>(0, 2));
  EXPECT_EQ(store.frames_in_flight_bytes(), 2 * frame_bytes);
  add(store, frames<std::uint16_t>(2, 5));
  add(store, frames<std::uint16_t>(5, 6));
  EXPECT_EQ(store.frames_in_flight_bytes(), 5 * frame_bytes);
}

}  // namespace
}  // namespace ptychoflow::ptycho_dm
