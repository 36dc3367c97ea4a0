#include "core/io/hdf5_disk.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/io/hdf5.hpp"

namespace ptychoflow::io {

namespace {

constexpr std::size_t call_limit = std::size_t{1} << 30;  // Linux takes no more than 2 GiB a call

struct Disk {
  H5FD_t base;  // first: HDF5 passes it around
  int descriptor;
  int fault;
  haddr_t end_of_addresses;
  haddr_t end_of_file;
};

Disk& of(H5FD_t* file) { return *reinterpret_cast<Disk*>(file); }
const Disk& of(const H5FD_t* file) { return *reinterpret_cast<const Disk*>(file); }

H5FD_t* open_disk(const char* name, unsigned flags, hid_t, haddr_t) {
  const int how = ((flags & H5F_ACC_RDWR) ? O_RDWR : O_RDONLY) | ((flags & H5F_ACC_TRUNC) ? O_TRUNC : 0) |
                  ((flags & H5F_ACC_CREAT) ? O_CREAT : 0) | ((flags & H5F_ACC_EXCL) ? O_EXCL : 0) | O_CLOEXEC;
  const int descriptor = ::open(name, how, 0666);
  if (descriptor < 0) return nullptr;
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) {
    ::close(descriptor);
    return nullptr;
  }
  return &(new Disk{{}, descriptor, 0, 0, static_cast<haddr_t>(status.st_size)})->base;
}

int fault_of_last_closed = 0;

herr_t close_disk(H5FD_t* file) {
  Disk* disk = &of(file);
  fault_of_last_closed = disk->fault;
  ::close(disk->descriptor);
  delete disk;
  return 0;
}

herr_t query(const H5FD_t*, unsigned long* features) {
  *features = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
              H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
  return 0;
}

herr_t read(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t at, std::size_t size, void* buffer) {
  auto* to = static_cast<char*>(buffer);
  while (size > 0) {
    const ssize_t n = ::pread(of(file).descriptor, to, std::min(size, call_limit), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) {  // beyond the end: what was never written is zero
      std::memset(to, 0, size);
      break;
    }
    to += n;
    at += static_cast<haddr_t>(n);
    size -= static_cast<std::size_t>(n);
  }
  return 0;
}

herr_t write(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t at, std::size_t size, const void* buffer) {
  Disk& disk = of(file);
  const auto* from = static_cast<const char*>(buffer);
  disk.end_of_file = std::max(disk.end_of_file, at + size);
  while (size > 0 && disk.fault == 0) {
    const ssize_t n = ::pwrite(disk.descriptor, from, std::min(size, call_limit), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      disk.fault = n < 0 ? errno : EIO;
      break;
    }
    from += n;
    at += static_cast<haddr_t>(n);
    size -= static_cast<std::size_t>(n);
  }
  return 0;
}

herr_t truncate(H5FD_t* file, hid_t, hbool_t) {
  Disk& disk = of(file);
  if (disk.fault == 0 && disk.end_of_addresses != disk.end_of_file &&
      ::ftruncate(disk.descriptor, static_cast<off_t>(disk.end_of_addresses)) != 0) {
    disk.fault = errno;
  }
  disk.end_of_file = disk.end_of_addresses;
  return 0;
}

H5FD_class_t describe_driver() {
  H5FD_class_t driver{};
  driver.name = "ptychoflow";
  driver.maxaddr = (haddr_t{1} << 62) - 1;
  driver.fc_degree = H5F_CLOSE_STRONG;
  driver.open = open_disk;
  driver.close = close_disk;
  driver.query = query;
  driver.get_eoa = [](const H5FD_t* file, H5FD_mem_t) { return of(file).end_of_addresses; };
  driver.set_eoa = [](H5FD_t* file, H5FD_mem_t, haddr_t address) -> herr_t {
    of(file).end_of_addresses = address;
    return 0;
  };
  driver.get_eof = [](const H5FD_t* file, H5FD_mem_t) { return of(file).end_of_file; };
  driver.get_handle = [](H5FD_t* file, hid_t, void** handle) -> herr_t {
    *handle = &of(file).fault;
    return 0;
  };
  driver.read = read;
  driver.write = write;
  driver.truncate = truncate;
  const H5FD_mem_t map[] = H5FD_FLMAP_DICHOTOMY;
  std::copy(std::begin(map), std::end(map), driver.fl_map);
  return driver;
}

}  // namespace

hid_t forgiving_file_access() {
  static const H5FD_class_t driver = describe_driver();
  static const hid_t id = H5FDregister(&driver);
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  if (id < 0 || access < 0 || H5Pset_driver(access, id, nullptr) < 0 ||
      H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) < 0) {
    throw Error(ErrorCode::other, "HDF5 gave no file access properties: " + last_hdf5_fault());
  }
  return access;
}

int disk_fault(hid_t file) {
  void* fault = nullptr;
  return H5Fget_vfd_handle(file, H5P_DEFAULT, &fault) >= 0 && fault ? *static_cast<int*>(fault) : 0;
}

int disk_fault_of_last_closed() { return fault_of_last_closed; }

}  // namespace ptychoflow::io
