#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "core/io/hdf5.hpp"

namespace ptychoflow::io {

namespace {

Kind kind_of(hid_t type) {
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
      return H5Tget_sign(type) == H5T_SGN_NONE ? Kind::unsigned_integer : Kind::signed_integer;
    case H5T_ENUM:  // h5py's bool
      return Kind::signed_integer;
    case H5T_FLOAT:
      return Kind::real;
    case H5T_STRING:
      return Kind::text;
    case H5T_COMPOUND:
      return H5Tget_nmembers(type) == 2 && H5Tget_member_index(type, "r") >= 0 && H5Tget_member_index(type, "i") >= 0
                 ? Kind::complex
                 : Kind::other;
    default:
      return Kind::other;
  }
}

/// The package or plugin that knows an HDF5 filter.
std::string filter_source(H5Z_filter_t id) {
  const std::string path = "put its plugin in a folder named by HDF5_PLUGIN_PATH";
  switch (id) {
    case 32000:
      return "LZF: install the Debian package hdf5-plugin-lzf";
    case 32001:
      return "Blosc: install the Debian package hdf5-filter-plugin-blosc-serial";
    case 307:
      return "BZip2: install the Debian package hdf5-filter-plugin";
    case 32004:
      return "LZ4: install the Debian package hdf5-filter-plugin";
    case 32008:
      return "bitshuffle: install the Debian package bitshuffle";
    case 32013:
      return "ZFP: install the Debian package hdf5-filter-plugin-zfp-serial";
    case 32015:
      return "Zstandard: " + path;
    default:
      return path;
  }
}

}  // namespace

Dataset::Dataset(Handle id, std::string file, std::string path, Access access)
    : id_(std::move(id)), file_(std::move(file)), path_(std::move(path)), access_(access) {
  const Handle type(H5Dget_type(id_.get()), H5Tclose);
  const Handle space(H5Dget_space(id_.get()), H5Sclose);
  const int rank = space ? H5Sget_simple_extent_ndims(space.get()) : -1;
  if (!type || rank < 0) fail_to_read();
  std::vector<hsize_t> extents(static_cast<std::size_t>(rank));
  if (H5Sget_simple_extent_dims(space.get(), extents.data(), nullptr) < 0) fail_to_read();
  shape_.assign(extents.begin(), extents.end());
  if (H5Sget_simple_extent_type(space.get()) == H5S_NULL) shape_.assign(1, 0);
  kind_ = kind_of(type.get());
  element_bytes_ = H5Tget_size(type.get());
}

Index Dataset::size() const { return std::accumulate(shape_.begin(), shape_.end(), Index{1}, std::multiplies<>()); }

std::string Dataset::where() const { return fmt::format("{}: dataset {}", file_, path_); }

std::string Dataset::shape_text() const { return fmt::format("({})", fmt::join(shape_, ", ")); }

std::string Dataset::type_text() const {
  const std::size_t bits = element_bytes_ * 8;
  switch (kind_) {
    case Kind::signed_integer:
      return fmt::format("int{}", bits);
    case Kind::unsigned_integer:
      return fmt::format("uint{}", bits);
    case Kind::real:
      return fmt::format("float{}", bits);
    case Kind::complex:
      return fmt::format("complex{}", bits);
    case Kind::text:
      return "text";
    case Kind::other:
      break;
  }
  return "neither number nor text";
}

void Dataset::require_rank(Index wanted, const char* meaning) const {
  if (rank() != wanted) {
    throw Error(ErrorCode::data, fmt::format("{}: has {} dimensions {}, but must have {}: {}", where(), rank(),
                                             shape_text(), wanted, meaning));
  }
}

void Dataset::require_numbers() const {
  if (kind_ != Kind::signed_integer && kind_ != Kind::unsigned_integer && kind_ != Kind::real) {
    throw Error(ErrorCode::data, fmt::format("{}: its elements are {}, but must be numbers", where(), type_text()));
  }
}

void Dataset::require_single() const {
  if (size() != 1) {
    throw Error(ErrorCode::data, fmt::format("{}: has the shape {}, but must be one number", where(), shape_text()));
  }
}

std::string Dataset::text() const {
  require_single();
  if (kind_ != Kind::text) throw Error(ErrorCode::data, fmt::format("{}: is {}, not text", where(), type_text()));
  const Handle type(H5Dget_type(id_.get()), H5Tclose);
  const Handle space(H5Dget_space(id_.get()), H5Sclose);
  std::string result;
  if (H5Tis_variable_str(type.get()) > 0) {
    char* text = nullptr;
    if (H5Dread(id_.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, &text) < 0) fail_to_read();
    if (text) result = text;
    H5Dvlen_reclaim(type.get(), space.get(), H5P_DEFAULT, &text);
  } else {
    result.resize(element_bytes_);
    if (H5Dread(id_.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, result.data()) < 0) fail_to_read();
    result.resize(std::min(result.find('\0'), result.size()));
  }
  return result;
}

std::string Dataset::text_attribute(const char* name) const {
  if (H5Aexists(id_.get(), name) <= 0) return "";
  const Handle attribute(H5Aopen(id_.get(), name, H5P_DEFAULT), H5Aclose);
  const Handle type(attribute ? H5Aget_type(attribute.get()) : -1, H5Tclose);
  if (!type || H5Tget_class(type.get()) != H5T_STRING) return "";
  std::string result;
  if (H5Tis_variable_str(type.get()) > 0) {
    char* text = nullptr;
    if (H5Aread(attribute.get(), type.get(), &text) < 0) fail_to_read();
    if (text) result = text;
    H5free_memory(text);
  } else {
    result.resize(H5Tget_size(type.get()));
    if (H5Aread(attribute.get(), type.get(), result.data()) < 0) fail_to_read();
    result.resize(std::min(result.find('\0'), result.size()));
  }
  return result;
}

std::int64_t Dataset::attribute(const char* name, std::int64_t otherwise) const {
  if (H5Aexists(id_.get(), name) <= 0) return otherwise;
  const Handle attribute(H5Aopen(id_.get(), name, H5P_DEFAULT), H5Aclose);
  std::int64_t value = 0;
  if (!attribute || H5Aread(attribute.get(), H5T_NATIVE_INT64, &value) < 0) {
    throw Error(ErrorCode::data,
                fmt::format("{}: attribute {} cannot be read as a number ({})", where(), name, last_hdf5_fault()));
  }
  return value;
}

void Dataset::require_filters() const {
  const Handle creation(H5Dget_create_plist(id_.get()), H5Pclose);
  const int count = creation ? H5Pget_nfilters(creation.get()) : -1;
  if (count < 0) fail_to_read();
  for (int i = 0; i < count; ++i) {
    unsigned flags = 0, config = 0;
    std::size_t values = 0;
    char name[64] = "";
    const H5Z_filter_t id =
        H5Pget_filter2(creation.get(), static_cast<unsigned>(i), &flags, &values, nullptr, sizeof(name), name, &config);
    if (id < 0) fail_to_read();
    if (H5Zfilter_avail(id) <= 0) {
      H5Eclear2(H5E_DEFAULT);
      throw Error(ErrorCode::resource,
                  fmt::format("{}: is compressed with HDF5 filter {}{}, which this machine lacks. {}", where(), id,
                              *name ? fmt::format(" ({})", name) : "", filter_source(id)));
    }
  }
}

std::uint64_t Dataset::chunk_bytes() const {
  const Handle creation(H5Dget_create_plist(id_.get()), H5Pclose);
  if (!creation || H5Pget_layout(creation.get()) != H5D_CHUNKED) return 0;
  std::vector<hsize_t> extents(shape_.size());
  if (H5Pget_chunk(creation.get(), static_cast<int>(rank()), extents.data()) < 0) fail_to_read();
  return std::accumulate(extents.begin(), extents.end(), std::uint64_t{element_bytes_}, std::multiplies<>());
}

void Dataset::fail_to_read() const {
  throw Error(ErrorCode::data, fmt::format("{}: cannot be read: the file is damaged, or the element type ({}) does not "
                                           "fit ({})",
                                           where(), type_text(), last_hdf5_fault()));
}

void Dataset::read_all(hid_t type, void* out) const {
  require_filters();
  if (size() > 0 && H5Dread(id_.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) < 0) fail_to_read();
}

void Dataset::read_selection(const Selection& selection, hid_t type, void* out) const {
  require_filters();
  const std::vector<hsize_t> start(selection.start.begin(), selection.start.end());
  const std::vector<hsize_t> count(selection.count.begin(), selection.count.end());
  const std::vector<hsize_t> step(selection.step.begin(), selection.step.end());
  expect(start.size() == shape_.size() && count.size() == shape_.size() && step.size() == shape_.size(),
         "a selection gives every axis");
  const Handle file_space(H5Dget_space(id_.get()), H5Sclose);
  const Handle memory_space(H5Screate_simple(static_cast<int>(rank()), count.data(), nullptr), H5Sclose);
  if (!file_space || !memory_space ||
      H5Sselect_hyperslab(file_space.get(), H5S_SELECT_SET, start.data(), step.data(), count.data(), nullptr) < 0 ||
      H5Sselect_valid(file_space.get()) <= 0 ||
      H5Dread(id_.get(), type, memory_space.get(), file_space.get(), H5P_DEFAULT, out) < 0) {
    fail_to_read();
  }
}

}  // namespace ptychoflow::io
