#include "core/io/hdf5.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>

#include "core/io/link_fence.hpp"

namespace ptychoflow::io {

namespace {

/// HDF5 would print its error stack, of which each thread has its own, by itself; what it knows goes into our message
/// instead.
void silence() {
  thread_local const bool once = H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr) >= 0;
  static_cast<void>(once);
}

constexpr const char* failed_read = "file read failed";  // HDF5's words for it

std::string errno_text() { return std::strerror(errno); }

Handle open_to_read(const std::string& name, Access wanted) {
  silence();
  struct stat status {};
  if (::stat(name.c_str(), &status) != 0) {
    throw Error(ErrorCode::data, errno == ENOENT ? fmt::format("{}: there is no such file", name)
                                                 : fmt::format("{}: cannot be reached: {}", name, errno_text()));
  }
  if (S_ISDIR(status.st_mode)) throw Error(ErrorCode::data, fmt::format("{}: is a folder, not an HDF5 file", name));
  if (::access(name.c_str(), R_OK) != 0) {
    throw Error(ErrorCode::data, fmt::format("{}: cannot be read: {}", name, errno_text()));
  }
  if (status.st_size == 0) throw Error(ErrorCode::data, fmt::format("{}: is empty, not an HDF5 file", name));
  const htri_t is_hdf5 = H5Fis_hdf5(name.c_str());
  if (is_hdf5 == 0) throw Error(ErrorCode::data, fmt::format("{}: is not an HDF5 file", name));

  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  // Some network file systems have no locks; that is no reason not to read.
  if (!access || H5Pset_file_locking(access.get(), true, true) < 0) {
    throw Error(ErrorCode::other, "HDF5 gave no file access properties: " + last_hdf5_fault());
  }
  const unsigned how = wanted == Access::growing ? H5F_ACC_RDONLY | H5F_ACC_SWMR_READ : H5F_ACC_RDONLY;
  Handle file(H5Fopen(name.c_str(), how, access.get()), H5Fclose);
  if (!file) {
    const std::string fault = last_hdf5_fault();
    if (fault.find("lock file") != std::string::npos) {
      throw Error(ErrorCode::data, fmt::format("{}: another program is writing it: wait until it is closed", name));
    }
    if (wanted == Access::finished && is_being_written(name)) {
      throw Error(ErrorCode::data, fmt::format("{}: a program is still writing it, or died before it closed it: wait "
                                               "until it is closed, or have load follow it (follow: {{}})",
                                               name));
    }
    throw Error(ErrorCode::data,
                fmt::format("{}: the HDF5 file is truncated or damaged: copy it again ({})", name, fault));
  }
  return file;
}

template <class T>
hid_t complex_type(hid_t part) {
  const hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(Complex<T>));
  H5Tinsert(type, "r", offsetof(Complex<T>, re), part);
  H5Tinsert(type, "i", offsetof(Complex<T>, im), part);
  return type;
}

}  // namespace

std::string last_hdf5_fault() {
  std::string cause;
  // The innermost entry that says something comes last when walking down from the call that failed.
  const auto keep = [](unsigned, const H5E_error2_t* entry, void* into) -> herr_t {
    if (entry->desc && *entry->desc) *static_cast<std::string*>(into) = entry->desc;
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, keep, &cause);
  H5Eclear2(H5E_DEFAULT);
  // Of a failed read or write HDF5 tells a long story, of which the system's own words say all.
  static const std::string quotes_system = "error message = '";
  if (const auto at = cause.find(quotes_system); at != std::string::npos) {
    const auto from = at + quotes_system.size();
    cause = cause.substr(0, cause.find(':')) + ": " + cause.substr(from, cause.find('\'', from) - from);
  }
  return cause.empty() ? "HDF5 gives no reason" : "HDF5: " + cause;
}

template <class T>
hid_t memory_type() {
  if constexpr (std::is_same_v<T, Complex<float>>) {
    static const hid_t type = complex_type<float>(H5T_NATIVE_FLOAT);
    return type;
  } else if constexpr (std::is_same_v<T, Complex<double>>) {
    static const hid_t type = complex_type<double>(H5T_NATIVE_DOUBLE);
    return type;
  } else if constexpr (std::is_same_v<T, float>) {
    return H5T_NATIVE_FLOAT;
  } else if constexpr (std::is_same_v<T, double>) {
    return H5T_NATIVE_DOUBLE;
  } else if constexpr (std::is_signed_v<T>) {
    return sizeof(T) == 1   ? H5T_NATIVE_INT8
           : sizeof(T) == 2 ? H5T_NATIVE_INT16
           : sizeof(T) == 4 ? H5T_NATIVE_INT32
                            : H5T_NATIVE_INT64;
  } else {
    return sizeof(T) == 1   ? H5T_NATIVE_UINT8
           : sizeof(T) == 2 ? H5T_NATIVE_UINT16
           : sizeof(T) == 4 ? H5T_NATIVE_UINT32
                            : H5T_NATIVE_UINT64;
  }
}
template hid_t memory_type<std::int8_t>();
template hid_t memory_type<std::uint8_t>();
template hid_t memory_type<std::int16_t>();
template hid_t memory_type<std::uint16_t>();
template hid_t memory_type<std::int32_t>();
template hid_t memory_type<std::uint32_t>();
template hid_t memory_type<std::int64_t>();
template hid_t memory_type<std::uint64_t>();
template hid_t memory_type<float>();
template hid_t memory_type<double>();
template hid_t memory_type<Complex<float>>();
template hid_t memory_type<Complex<double>>();

InputFile::InputFile(const std::filesystem::path& path, const Opening& opening)
    : name_(path.string()),
      access_(opening.access),
      fence_(std::make_unique<LinkFence>(opening.links_within)),
      id_(open_to_read(name_, access_)) {}

InputFile::~InputFile() = default;
InputFile::InputFile(InputFile&&) noexcept = default;
InputFile& InputFile::operator=(InputFile&&) noexcept = default;

bool is_being_written(const std::filesystem::path& path) {
  // The superblock, from version 3 on (HDF5's File Format Specification 3.0, II.A): signature, version, two sizes,
  // flags.
  std::array<char, 12> start{};
  std::ifstream file(path, std::ios::binary);
  if (!file.read(start.data(), start.size()) || std::string_view(start.data(), 8) != "\x89HDF\r\n\x1a\n") return false;
  constexpr char open_for_writing = 0x01, open_for_appending = 0x04;
  return start[8] >= 3 && (start[11] & (open_for_writing | open_for_appending)) != 0;
}

bool InputFile::has(const std::string& path) const {
  // H5Lexists knows only the last step of a path, so the way there is walked.
  for (std::size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
    const std::string part = path.substr(0, at);
    if (H5Lexists(id_.get(), part.c_str(), fence_->for_links()) <= 0 ||
        H5Oexists_by_name(id_.get(), part.c_str(), fence_->for_links()) <= 0) {
      const std::string fault = last_hdf5_fault();
      fence_->expect_none_refused(name_, path);
      if (fault.find(failed_read) == std::string::npos) return false;
      throw Error(ErrorCode::data, fmt::format("{}: cannot be read any more ({})", name_, fault));
    }
    if (at == std::string::npos) break;
  }
  H5O_info_t info;
  const bool found = H5Oget_info_by_name2(id_.get(), path.c_str(), &info, H5O_INFO_BASIC, fence_->for_links()) >= 0;
  return found && info.type == H5O_TYPE_DATASET;
}

Dataset InputFile::dataset(const std::string& path) const {
  if (!has(path)) {
    throw Error(ErrorCode::data, fmt::format("{}: there is no dataset {}; {}", name_, path, names_near(path)));
  }
  Handle id(H5Dopen2(id_.get(), path.c_str(), fence_->for_datasets()), H5Dclose);
  if (!id) {
    throw Error(ErrorCode::data, fmt::format("{}: dataset {} cannot be opened: the file is damaged ({})", name_, path,
                                             last_hdf5_fault()));
  }
  fence_->check_sources(id.get(), name_, path);
  return {std::move(id), name_, path, access_};
}

std::string InputFile::names_near(const std::string& path) const {
  std::string group = path;
  std::vector<std::string> names;
  do {
    group.resize(group.rfind('/'));
    names = names_in(group.empty() ? "/" : group);
  } while (names.empty() && !group.empty());
  return names.empty() ? "the file is empty" : fmt::format("{}/ has {}", group, fmt::join(names, ", "));
}

std::vector<std::string> InputFile::names_in(const std::string& path) const {
  std::vector<std::string> names;
  const Handle group(H5Gopen2(id_.get(), path.c_str(), fence_->for_groups()), H5Gclose);
  if (!group) {
    H5Eclear2(H5E_DEFAULT);
    fence_->expect_none_refused(name_, path);
    return names;
  }
  const auto add = [](hid_t, const char* name, const H5L_info_t*, void* into) -> herr_t {
    static_cast<std::vector<std::string>*>(into)->push_back(name);
    return 0;
  };
  hsize_t position = 0;
  H5Literate(group.get(), H5_INDEX_NAME, H5_ITER_INC, &position, add, &names);
  return names;
}

}  // namespace ptychoflow::io
