#include "core/io/link_fence.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <vector>

#include "core/base/error.hpp"

namespace ptychoflow::io {
namespace {

namespace fs = std::filesystem;

bool is_below(const fs::path& folder, const fs::path& file) {
  const fs::path whole = fs::weakly_canonical(file);
  return std::mismatch(folder.begin(), folder.end(), whole.begin(), whole.end()).first == folder.end();
}

std::string text_of(hid_t creation, std::size_t i, ssize_t (*get)(hid_t, std::size_t, char*, std::size_t)) {
  const ssize_t length = get(creation, i, nullptr, 0);
  std::string text(static_cast<std::size_t>(std::max<ssize_t>(length, 0)) + 1, '\0');
  get(creation, i, text.data(), text.size());
  text.pop_back();
  return text;
}

/// Files other than its own that a dataset takes its values from.
std::vector<std::string> sources_of(hid_t creation) {
  std::vector<std::string> files;
  if (H5Pget_layout(creation) == H5D_VIRTUAL) {
    std::size_t count = 0;
    H5Pget_virtual_count(creation, &count);
    for (std::size_t i = 0; i < count; ++i) files.push_back(text_of(creation, i, H5Pget_virtual_filename));
    std::erase(files, ".");  // the file itself
  }
  for (int i = 0; i < H5Pget_external_count(creation); ++i) {
    std::string name(4096, '\0');
    off_t offset = 0;
    hsize_t size = 0;
    H5Pget_external(creation, static_cast<unsigned>(i), name.size() - 1, name.data(), &offset, &size);
    name.resize(name.find('\0'));
    files.push_back(name);
  }
  return files;
}

}  // namespace

LinkFence::LinkFence(const fs::path& folder) {
  if (folder.empty()) return;
  folder_ = fs::weakly_canonical(folder);
  if (!folder_.has_filename()) folder_ = folder_.parent_path();  // no slash at the end
  const auto fenced = [this](hid_t kind) {
    Handle list(H5Pcreate(kind), H5Pclose);
    if (!list || H5Pset_elink_cb(list.get(), on_link, this) < 0)
      throw Error(ErrorCode::other, "HDF5 gave no link access properties");
    return list;
  };
  links_ = fenced(H5P_LINK_ACCESS);
  groups_ = fenced(H5P_GROUP_ACCESS);
  datasets_ = fenced(H5P_DATASET_ACCESS);
}

herr_t LinkFence::on_link(const char* file, const char*, const char* target, const char*, unsigned*, hid_t,
                          void* fence) try {
  auto& self = *static_cast<LinkFence*>(fence);
  if (self.allows(file, target)) return 0;
  self.refused_ = target;
  return -1;
} catch (const std::exception&) {
  return -1;  // nothing may be thrown through HDF5
}

/// HDF5 looks for it beside the file, and in the present folder.
bool LinkFence::allows(const std::string& file, const std::string& target) const {
  const fs::path beside = fs::path(file).parent_path() / target;
  return is_below(folder_, beside) && (!fs::exists(target) || fs::exists(beside) || is_below(folder_, target));
}

void LinkFence::expect_none_refused(const std::string& file, const std::string& path) {
  if (refused_.empty()) return;
  const std::string target = std::exchange(refused_, "");
  throw Error(ErrorCode::data,
              fmt::format("{}: {} leads to the file {}, which does not lie below {}: put it there, or allow more "
                          "(links_within)",
                          file, path, target, folder_.string()));
}

void LinkFence::check_sources(hid_t dataset, const std::string& file, const std::string& path) {
  if (folder_.empty()) return;
  const Handle creation(H5Dget_create_plist(dataset), H5Pclose);
  if (!creation) return;
  for (const std::string& source : sources_of(creation.get())) {
    if (!allows(file, source)) refused_ = source;
  }
  expect_none_refused(file, path);
}

}  // namespace ptychoflow::io
