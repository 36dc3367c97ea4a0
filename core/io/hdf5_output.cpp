#include "core/io/hdf5_output.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/io/hdf5_disk.hpp"

namespace ptychoflow::io {

namespace {

[[noreturn]] void refuse(const std::string& file, const std::string& path, const std::string& reason) {
  throw Error(ErrorCode::resource,
              fmt::format("{}: {} cannot be written: {}", file, path.empty() ? "the file" : path, reason));
}

Handle new_handle(hid_t id, Handle::Close close, const char* what) {
  if (id < 0) throw Error(ErrorCode::other, fmt::format("HDF5 gave no {}: {}", what, last_hdf5_fault()));
  return {id, close};
}

Handle file_access() { return {forgiving_file_access(), H5Pclose}; }

Handle simple_space(const std::vector<Index>& shape) {
  const std::vector<hsize_t> extents(shape.begin(), shape.end());
  return new_handle(H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr), H5Sclose, "space");
}

/// A text, as HDF5 wants it: characters in place, or a pointer to them.
class StoredText {
 public:
  StoredText(const std::string& text, TextLength length)
      : type_(new_handle(H5Tcopy(H5T_C_S1), H5Tclose, "text type")),
        characters_(text.c_str()),
        fixed_(length == TextLength::fixed) {
    H5Tset_size(type_.get(), fixed_ ? std::max<std::size_t>(text.size(), 1) : H5T_VARIABLE);
    if (fixed_) H5Tset_strpad(type_.get(), H5T_STR_NULLPAD);
    H5Tset_cset(type_.get(), H5T_CSET_UTF8);
  }

  hid_t type() const { return type_.get(); }
  const void* value() const { return fixed_ ? static_cast<const void*>(characters_) : &characters_; }

 private:
  Handle type_;
  const char* characters_;
  bool fixed_;
};

Handle link_creation() {
  Handle creation = new_handle(H5Pcreate(H5P_LINK_CREATE), H5Pclose, "link properties");
  H5Pset_create_intermediate_group(creation.get(), 1);
  return creation;
}

}  // namespace

OutputFile::OutputFile(std::string name, Handle id) : name_(std::move(name)), id_(std::move(id)) {
  if (!id_) refuse(name_, "", errno ? std::strerror(errno) : last_hdf5_fault());
}

OutputFile OutputFile::create(const std::filesystem::path& path) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  errno = 0;
  return {path.string(), Handle(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, file_access().get()), H5Fclose)};
}

OutputFile OutputFile::reopen(const std::filesystem::path& path) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  errno = 0;
  return {path.string(), Handle(H5Fopen(path.c_str(), H5F_ACC_RDWR, file_access().get()), H5Fclose)};
}

void OutputFile::close() {
  const bool closed = id_.close() >= 0;
  const int fault = disk_fault_of_last_closed();
  if (fault != 0) refuse(name_, "", std::strerror(fault));
  require(closed, "");
}

void OutputFile::require(bool done, const std::string& path) const {
  const int fault = id_ ? disk_fault(id_.get()) : 0;
  if (fault != 0) refuse(name_, path, std::strerror(fault));
  if (!done) refuse(name_, path, last_hdf5_fault());
}

void OutputFile::write(const std::string& path, double value) {
  write_dataset(path, H5T_NATIVE_DOUBLE, {}, {}, &value);
}

void OutputFile::write(const std::string& path, std::int64_t value) {
  write_dataset(path, H5T_NATIVE_INT64, {}, {}, &value);
}

void OutputFile::write(const std::string& path, const std::string& text, TextLength length) {
  const StoredText stored(text, length);
  write_dataset(path, stored.type(), {}, {}, stored.value());
}

Handle OutputFile::declare_dataset(const std::string& path, hid_t type, const std::vector<Index>& shape,
                                   const Storage& storage) {
  const Handle creation = new_handle(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "dataset properties");
  if (!storage.chunk.empty()) {
    const std::vector<hsize_t> chunk(storage.chunk.begin(), storage.chunk.end());
    require(H5Pset_chunk(creation.get(), static_cast<int>(chunk.size()), chunk.data()) >= 0, path);
    if (storage.deflate > 0) {
      require(H5Pset_shuffle(creation.get()) >= 0, path);
      require(H5Pset_deflate(creation.get(), static_cast<unsigned>(storage.deflate)) >= 0, path);
    }
  }
  Handle dataset(H5Dcreate2(id_.get(), path.c_str(), type, simple_space(shape).get(), link_creation().get(),
                            creation.get(), H5P_DEFAULT),
                 H5Dclose);
  require(static_cast<bool>(dataset), path);
  return dataset;
}

void OutputFile::write_dataset(const std::string& path, hid_t type, const std::vector<Index>& shape,
                               const Storage& storage, const void* values) {
  Handle dataset = declare_dataset(path, type, shape, storage);
  if (values) require(H5Dwrite(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0, path);
  require(dataset.close() >= 0, path);
}

void OutputFile::write_part_of(const std::string& path, hid_t type, const std::vector<Index>& from,
                               const std::vector<Index>& shape, const void* part) {
  Handle dataset(H5Dopen2(id_.get(), path.c_str(), H5P_DEFAULT), H5Dclose);
  require(static_cast<bool>(dataset), path);
  const Handle file_space = new_handle(H5Dget_space(dataset.get()), H5Sclose, "space");
  const std::vector<hsize_t> start(from.begin(), from.end()), count(shape.begin(), shape.end());
  require(H5Sselect_hyperslab(file_space.get(), H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr) >= 0,
          path);
  require(H5Dwrite(dataset.get(), type, simple_space(shape).get(), file_space.get(), H5P_DEFAULT, part) >= 0, path);
  require(dataset.close() >= 0, path);
}

void OutputFile::attribute(const std::string& path, const char* name, const std::string& text, TextLength length) {
  const StoredText stored(text, length);
  write_attribute(path, name, stored.type(), stored.value());
}

void OutputFile::attribute(const std::string& path, const char* name, std::int64_t value) {
  write_attribute(path, name, H5T_NATIVE_INT64, &value);
}

void OutputFile::attribute(const std::string& path, const char* name, double value) {
  write_attribute(path, name, H5T_NATIVE_DOUBLE, &value);
}

void OutputFile::write_attribute(const std::string& path, const char* name, hid_t type, const void* value) {
  const bool there = path == "/" || H5Lexists(id_.get(), path.c_str(), H5P_DEFAULT) > 0;
  Handle object =
      there ? Handle(H5Oopen(id_.get(), path.c_str(), H5P_DEFAULT), H5Oclose)
            : Handle(H5Gcreate2(id_.get(), path.c_str(), link_creation().get(), H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
  require(static_cast<bool>(object), path);
  const Handle scalar = new_handle(H5Screate(H5S_SCALAR), H5Sclose, "space");
  Handle attribute(H5Acreate2(object.get(), name, type, scalar.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  require(attribute && H5Awrite(attribute.get(), type, value) >= 0 && attribute.close() >= 0 && object.close() >= 0,
          path);
}

void OutputFile::link(const std::string& path, const std::string& target) {
  require(H5Lcreate_soft(target.c_str(), id_.get(), path.c_str(), link_creation().get(), H5P_DEFAULT) >= 0, path);
}

}  // namespace ptychoflow::io
