// HDF5 with C++ manners: handles that close themselves, every return checked, faults that name file and dataset.
#pragma once

#include <hdf5.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/complex.hpp"
#include "core/base/error.hpp"
#include "core/base/view.hpp"
#include "core/io/hdf5_handle.hpp"
#include "core/io/opening.hpp"

namespace ptychoflow::io {

/// What HDF5's error stack gives as the cause of the last failed call, in one line; empties the stack.
std::string last_hdf5_fault();

/// HDF5's in-memory type for T: an integer, float, double, or Complex as the compound {r, i}. Never closed.
template <class T>
hid_t memory_type();

/// Kinds of element that this program can tell apart.
enum class Kind { signed_integer, unsigned_integer, real, complex, text, other };

/// A rectangular part of a dataset: along each axis, from `start`, `count` elements, `step` apart. Every axis is given.
struct Selection {
  std::vector<Index> start;
  std::vector<Index> count;
  std::vector<Index> step;
};

/// A dataset open for reading. Keeps its file open.
class Dataset {
 public:
  Dataset(Handle id, std::string file, std::string path, Access access = Access::finished);

  const std::vector<Index>& shape() const { return shape_; }
  Index rank() const { return static_cast<Index>(shape_.size()); }
  Index size() const;
  Kind kind() const { return kind_; }
  std::size_t element_bytes() const { return element_bytes_; }
  /// What must be in memory at once to read any of it; 0 if it has no chunks.
  std::uint64_t chunk_bytes() const;
  const std::string& path() const { return path_; }
  Access access() const { return access_; }  ///< of its file

  /// "FILE: dataset PATH", for messages.
  std::string where() const;
  /// "(200, 128, 128)"
  std::string shape_text() const;
  /// "uint16", "complex64", "text", …
  std::string type_text() const;

  /// @throws Error (data), naming the dataset, what it is and what was wanted, unless the rank is `rank`
  void require_rank(Index rank, const char* meaning) const;
  /// @throws Error (data) unless elements are integers or reals
  void require_numbers() const;

  /// Whole dataset, converted to T. @throws Error (data) if damaged or not convertible, (resource) if a filter plugin
  /// is missing
  template <class T>
  std::vector<T> read() const {
    std::vector<T> all(static_cast<std::size_t>(size()));
    read_all(memory_type<T>(), all.data());
    return all;
  }

  /// The same into `out`, which has room for `size()` elements.
  template <class T>
  void read(T* out) const {
    read_all(memory_type<T>(), out);
  }

  /// The single element of a scalar dataset or of an array of one. @throws Error (data) if there are more, or none
  template <class T>
  T scalar() const {
    require_single();
    T value{};
    read_all(memory_type<T>(), &value);
    return value;
  }

  /// A scalar text. @throws Error (data) if it is none
  std::string text() const;

  /// `selection`, converted to T, row-major, into `out`, which has room for all of it.
  template <class T>
  void read(const Selection& selection, T* out) const {
    read_selection(selection, memory_type<T>(), out);
  }

  /// The text in attribute `name`; empty if there is none, or it is no text.
  std::string text_attribute(const char* name) const;

  /// The number in attribute `name`, or `otherwise` if there is none.
  std::int64_t attribute(const char* name, std::int64_t otherwise) const;

 private:
  void require_single() const;
  void require_filters() const;
  void read_all(hid_t type, void* out) const;
  void read_selection(const Selection& selection, hid_t type, void* out) const;
  [[noreturn]] void fail_to_read() const;

  Handle id_;
  std::string file_;
  std::string path_;
  Access access_;
  std::vector<Index> shape_;
  Kind kind_ = Kind::other;
  std::size_t element_bytes_ = 0;
};

class LinkFence;

/// An HDF5 file open for reading only; several programs and ranks may have it open at once.
class InputFile {
 public:
  /// @throws Error (data) saying which: missing, a folder, not readable, not HDF5, truncated, being written by another
  /// program. What follows throws it, too, for a link that leads where it may not
  explicit InputFile(const std::filesystem::path& path, const Opening& opening = {});

  ~InputFile();
  InputFile(InputFile&&) noexcept;
  InputFile& operator=(InputFile&&) noexcept;

  const std::string& name() const { return name_; }
  Access access() const { return access_; }

  /// Whether `path` leads to a dataset (through links too).
  bool has(const std::string& path) const;

  /// @throws Error (data) if there is none, naming what is there instead
  Dataset dataset(const std::string& path) const;

  /// "/entry_1/ has data_1, sample_1": what there is in the nearest group that exists on the way to `path`.
  std::string names_near(const std::string& path) const;

  /// Names in the group `path`; empty if it is no group.
  std::vector<std::string> names_in(const std::string& path) const;

 private:
  std::string name_;
  Access access_;
  std::unique_ptr<LinkFence> fence_;
  Handle id_;
};

}  // namespace ptychoflow::io
