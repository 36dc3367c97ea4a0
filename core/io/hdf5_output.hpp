// Writing HDF5: datasets by path, groups made on the way, and a full disk reported rather than left to the library.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "core/io/hdf5.hpp"

namespace ptychoflow::io {

/// How a dataset is stored. No chunk: contiguous. With one: byte-shuffled and deflated if `deflate` (0–9) is not 0.
struct Storage {
  std::vector<Index> chunk{};
  int deflate = 0;
};

/// How a text is stored: h5py gives one of fixed length as bytes, one of variable length as str where it is an
/// attribute.
enum class TextLength { fixed, variable };

/// A chunk of one `[y][x]` plane of the slowest axis, or of as many of its rows as stay clear of HDF5's limit of 4 GiB.
template <std::size_t Rank>
std::vector<Index> chunk_of_rows(const Extents<Rank>& extents, std::size_t element_bytes) {
  static_assert(Rank >= 2);
  constexpr Index chunk_bytes_limit = Index{1} << 30;
  const Index row_bytes = std::max<Index>(extents[Rank - 1] * static_cast<Index>(element_bytes), 1);
  std::vector<Index> chunk(Rank, 1);
  chunk[Rank - 2] = std::clamp<Index>(chunk_bytes_limit / row_bytes, 1, std::max<Index>(extents[Rank - 2], 1));
  chunk[Rank - 1] = extents[Rank - 1];
  return chunk;
}

/// An HDF5 file being written, usually at AtomicFile's temporary name. It is whole only
/// after `close`. All calls throw Error (resource) if the disk is full or otherwise refuses.
class OutputFile {
 public:
  /// A new file. @throws Error (resource) if it cannot be made
  static OutputFile create(const std::filesystem::path& path);
  /// One that this program made, to write more into it.
  static OutputFile reopen(const std::filesystem::path& path);

  /// Writes all to the file system and closes. Call it, or the file is not whole.
  void close();

  /// A whole dataset at `path`, groups made as needed.
  template <class T, std::size_t Rank>
  void write(const std::string& path, View<T, Rank> values, const Storage& storage = {}) {
    const std::vector<Index> shape(values.extents().begin(), values.extents().end());
    write_dataset(path, memory_type<std::remove_const_t<T>>(), shape, storage, values.data());
  }
  template <class T>
  void write(const std::string& path, const std::vector<T>& values) {
    write(path, View<const T, 1>(values.data(), {static_cast<Index>(values.size())}));
  }
  void write(const std::string& path, double value);
  void write(const std::string& path, std::int64_t value);
  void write(const std::string& path, const std::string& text, TextLength length = TextLength::fixed);

  /// An empty dataset of T, to be filled by `write_rows`; what is never filled reads as 0.
  template <class T>
  void declare(const std::string& path, const std::vector<Index>& shape, const Storage& storage) {
    declare_dataset(path, memory_type<T>(), shape, storage);
  }

  /// A part of a dataset that is there, from `start` on.
  template <class T, std::size_t Rank>
  void write_part(const std::string& path, const std::vector<Index>& start, View<T, Rank> part) {
    const std::vector<Index> shape(part.extents().begin(), part.extents().end());
    write_part_of(path, memory_type<std::remove_const_t<T>>(), start, shape, part.data());
  }

  /// The same, of rows from `first` on.
  template <class T, std::size_t Rank>
  void write_rows(const std::string& path, Index first, View<T, Rank> rows) {
    std::vector<Index> start(Rank, 0);
    start[0] = first;
    write_part(path, start, rows);
  }

  /// Attribute of the object at `path`; a group is made if there is nothing.
  void attribute(const std::string& path, const char* name, const std::string& text,
                 TextLength length = TextLength::fixed);
  void attribute(const std::string& path, const char* name, std::int64_t value);
  void attribute(const std::string& path, const char* name, double value);

  /// A soft link at `path` to `target`.
  void link(const std::string& path, const std::string& target);

 private:
  OutputFile(std::string name, Handle id);
  Handle declare_dataset(const std::string& path, hid_t type, const std::vector<Index>& shape, const Storage& storage);
  void write_dataset(const std::string& path, hid_t type, const std::vector<Index>& shape, const Storage& storage,
                     const void* values);
  void write_part_of(const std::string& path, hid_t type, const std::vector<Index>& start,
                     const std::vector<Index>& shape, const void* part);
  void write_attribute(const std::string& path, const char* name, hid_t type, const void* value);
  void require(bool done, const std::string& path) const;

  std::string name_;
  Handle id_;
};

}  // namespace ptychoflow::io
