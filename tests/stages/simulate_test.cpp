#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "core/base/error.hpp"
#include "tests/support/fake_host.hpp"

namespace ptychoflow::test {
namespace {

using stage::Json;

Json small() {
  return {{"scan", {{"frame_count", 7}}}, {"detector", {{"frame_size", 64}, {"distance_m", 0.25}, {"photons", 1e5}}}};
}

/// All packets of one rank.
std::vector<stage::Packet> scan(const Json& params, int rank = 0, int ranks = 1) {
  FakeHost host(rank, ranks);
  LoadedStage simulate(STAGE_MODULE, host);
  simulate.configure(params);
  while (simulate.produce()) continue;
  simulate.finalize();
  return std::move(host.packets);
}

template <class T>
std::vector<T> values(const stage::Tensor& tensor) {
  std::size_t count = 1;
  const DLTensor& dl = tensor.dl();
  for (int axis = 0; axis < dl.ndim; ++axis) count *= static_cast<std::size_t>(dl.shape[axis]);
  std::vector<T> copy(count);
  EXPECT_TRUE(tensor.holds<T>());
  if (count) std::memcpy(copy.data(), dl.data, count * sizeof(T));
  return copy;
}

/// Checks that it throws and returns the message.
std::string refusal(const Json& params, ErrorCode code) {
  FakeHost host;
  LoadedStage simulate(STAGE_MODULE, host);
  try {
    simulate.configure(params);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    return e.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

TEST(Simulate, sends_what_it_declares) {
  FakeHost host;
  LoadedStage simulate(STAGE_MODULE, host);
  const auto declared = simulate.configure(small());
  while (simulate.produce()) continue;
  ASSERT_EQ(host.packets.size(), 1u);
  const auto& packet = host.packets.front();
  EXPECT_TRUE(packet.ends_scan());
  EXPECT_EQ(packet.tensors.size(), declared.tensors.size());
  for (const auto& [name, description] : declared.tensors.items()) {
    ASSERT_TRUE(packet.has(name)) << name;
    const auto& tensor = packet.at(name);
    EXPECT_EQ(stage::type_name(tensor.dtype()), description["dtype"]) << name;
    const auto shape = tensor.shape();
    ASSERT_EQ(shape.size(), description["shape"].size()) << name;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (description["shape"][i].is_null()) {
        EXPECT_EQ(shape[i], 7) << name;
      } else {
        EXPECT_EQ(shape[i], description["shape"][i]) << name;
      }
    }
  }
  for (const auto& [key, value] : declared.metadata.items()) EXPECT_EQ(packet.metadata[key], value) << key;
  for (const char* produced : {"frames", "frame_index", "positions_m", "mask", "truth_object"}) {
    EXPECT_TRUE(declared.has(produced)) << produced;
  }
  EXPECT_EQ(declared.metadata["frame_count"], 7);
  EXPECT_NEAR(declared.metadata["wavelength_m"].get<double>(), 1.0332e-10, 1e-14);
}

/// The default of every parameter, as the schema states it.
Json schema_defaults() {
  FakeHost host;
  const Json schema = Json::parse(LoadedStage(STAGE_MODULE, host).descriptor().parameters_schema);
  Json defaults = Json::object();
  for (const auto& [name, property] : schema["properties"].items()) {
    EXPECT_TRUE(property.contains("description")) << name;
    if (!property.contains("properties")) {
      EXPECT_TRUE(property.contains("default")) << name;
      defaults[name] = property["default"];
      continue;
    }
    for (const auto& [inner, nested] : property["properties"].items()) {
      EXPECT_TRUE(nested.contains("default") && nested.contains("description")) << name << '/' << inner;
      defaults[name][inner] = nested["default"];
    }
  }
  return defaults;
}

TEST(Simulate, without_parameters_makes_the_scan_of_its_schemas_defaults) {
  const auto plain = scan(Json::object()), spelt = scan(schema_defaults());
  ASSERT_EQ(plain.size(), spelt.size());
  for (std::size_t i = 0; i < plain.size(); ++i) {
    EXPECT_EQ(plain[i].metadata, spelt[i].metadata);
    EXPECT_EQ(values<std::uint32_t>(plain[i].at("frames")), values<std::uint32_t>(spelt[i].at("frames")));
    EXPECT_EQ(values<double>(plain[i].at("positions_m")), values<double>(spelt[i].at("positions_m")));
  }
}

TEST(Simulate, gives_the_same_scan_to_any_number_of_ranks) {
  const auto alone = scan(small());
  const auto whole = values<std::uint32_t>(alone[0].at("frames"));
  const auto where = values<double>(alone[0].at("positions_m"));
  constexpr std::size_t frame_px = 64 * 64;
  for (int ranks : {2, 3, 9}) {  // 9: more than frames, so that some ranks have none
    std::size_t frames = 0;
    for (int rank = 0; rank < ranks; ++rank) {
      const auto packets = scan(small(), rank, ranks);
      ASSERT_FALSE(packets.empty());
      EXPECT_TRUE(packets.back().ends_scan());
      EXPECT_EQ(values<std::uint8_t>(packets[0].at("mask")).size(), frame_px);
      const auto counts = values<std::uint32_t>(packets[0].at("frames"));
      const auto index = values<std::int64_t>(packets[0].at("frame_index"));
      const auto at = values<double>(packets[0].at("positions_m"));
      EXPECT_EQ(packets[0].metadata["frame_count_local"], index.size());
      for (std::size_t j = 0; j < index.size(); ++j, ++frames) {
        EXPECT_EQ(index[j], static_cast<std::int64_t>(frames));
        EXPECT_TRUE(std::equal(counts.begin() + static_cast<long>(j * frame_px),
                               counts.begin() + static_cast<long>((j + 1) * frame_px),
                               whole.begin() + static_cast<long>(frames * frame_px)));
        EXPECT_EQ(at[2 * j], where[2 * frames]);
        EXPECT_EQ(at[2 * j + 1], where[2 * frames + 1]);
      }
    }
    EXPECT_EQ(frames, 7u);
  }
}

TEST(Simulate, sends_a_long_scan_in_blocks_with_the_truth_in_the_first) {
  auto params = small();
  params["scan"]["frame_count"] = 5;
  params["detector"]["frame_size"] = 1024;  // two a block
  params["detector"]["distance_m"] = 4.0;
  params["probe"] = {{"kind", "gaussian"}};
  const auto packets = scan(params);
  ASSERT_EQ(packets.size(), 3u);
  std::int64_t next = 0;
  for (const auto& packet : packets) {
    for (auto index : values<std::int64_t>(packet.at("frame_index"))) EXPECT_EQ(index, next++);
    EXPECT_EQ(packet.has("truth_object"), &packet == &packets.front());
    EXPECT_EQ(packet.has("mask"), &packet == &packets.front());
    EXPECT_EQ(packet.ends_scan(), &packet == &packets.back());
  }
  EXPECT_EQ(next, 5);
}

TEST(Simulate, without_noise_sends_expected_photons) {
  auto params = small();
  params["detector"]["noise"] = "none";
  params["specimen"] = {{"amplitude_min", 1}, {"phase_min_rad", 0}};
  const auto packets = scan(params);
  double sum = 0;
  for (double photons : values<double>(packets[0].at("frames"))) sum += photons;
  EXPECT_NEAR(sum, 7 * 1e5, 1e-3);
}

TEST(Simulate, takes_every_kind_of_probe_scan_and_specimen) {
  for (const char* probe : {"zone_plate", "aperture", "gaussian"}) {
    for (const char* pattern : {"raster", "jittered_raster", "fermat", "fly"}) {
      auto params = small();
      params["probe"] = {{"kind", probe}, {"fwhm_m", 120e-9}};
      params["scan"]["pattern"] = pattern;
      params["scan"]["subpixel"] = true;
      params["specimen"]["kind"] = "siemens_star";
      const auto packets = scan(params);
      double sum = 0;
      for (auto count : values<std::uint32_t>(packets[0].at("frames"))) sum += count;
      EXPECT_GT(sum / 7, 0.5e5) << probe << ' ' << pattern;
      EXPECT_LT(sum / 7, 1.01e5) << probe << ' ' << pattern;
    }
  }
}

TEST(Simulate, says_what_is_wrong_before_data_moves) {
  auto params = small();
  params["probe"]["defocus_m"] = 1e-3;
  EXPECT_NE(refusal(params, ErrorCode::usage).find("smaller defocus_m"), std::string::npos);
  params = small();
  params["specimen"] = {{"kind", "images"}, {"phase_file", "/nowhere.png"}};
  EXPECT_NE(refusal(params, ErrorCode::data).find("/nowhere.png"), std::string::npos);
  params = small();
  params["scan"]["step_m"] = 10;
  EXPECT_NE(refusal(params, ErrorCode::resource).find("GiB"), std::string::npos);
}

TEST(Simulate, warns_when_views_hardly_overlap) {
  auto params = small();
  params["scan"]["overlap"] = 0.3;
  FakeHost host;
  LoadedStage simulate(STAGE_MODULE, host);
  simulate.configure(params);
  EXPECT_NE(host.log_text().find("overlap by 30 %"), std::string::npos) << host.log_text();
}

TEST(Simulate, stops_when_the_user_wants_to) {
  FakeHost host;
  LoadedStage simulate(STAGE_MODULE, host);
  simulate.configure(small());
  host.stop = true;
  EXPECT_THROW(simulate.produce(), Error);
  EXPECT_TRUE(host.packets.empty());
}

}  // namespace
}  // namespace ptychoflow::test
