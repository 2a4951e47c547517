#include "persistence/store_directory.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace signalbox::persistence {
namespace {

namespace fs = std::filesystem;

constexpr mode_t directory_mode = 0700;
constexpr mode_t file_mode = 0600;

Error failure(const std::string& path, const std::string& what) {
  return make_error(ErrorCode::store_failed, "The store " + path + " " + what + ".");
}

/// @param code an errno.
Error failure(const std::string& path, const std::string& what, int code) {
  Error error = failure(path, what + ": " + std::generic_category().message(code));
  if (code == ENOSPC || code == EDQUOT || code == EFBIG) error.code = ErrorCode::store_full;
  return error;
}

class File {
 public:
  File(const std::string& path, int flags)
      : x_descriptor_{::open(path.c_str(), flags | O_CLOEXEC, file_mode)} {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (x_descriptor_ >= 0) ::close(x_descriptor_);
  }

  [[nodiscard]] bool is_open() const { return x_descriptor_ >= 0; }
  [[nodiscard]] int descriptor() const { return x_descriptor_; }
  int release() { return std::exchange(x_descriptor_, -1); }

 private:
  int x_descriptor_;
};

/// @param path a file or a directory; for a directory, its list of names is what gets durable.
Result<void> sync(const std::string& path) {
  const File file{path, O_RDONLY};
  if (!file.is_open() || ::fsync(file.descriptor()) != 0) {
    return failure(path, "cannot be synced", errno);
  }
  return {};
}

Result<void> make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), directory_mode) == 0) {
    const std::string parent = fs::absolute(path).lexically_normal().parent_path().string();
    return sync(parent);
  }
  if (errno != EEXIST) return failure(path, "cannot be made", errno);
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) return failure(path, "is not a directory");
  return {};
}

bool is_network_file_system(const std::string& path) {
  constexpr auto cifs = 0xFF534D42L;
  constexpr auto smb2 = 0xFE534D42L;
  struct statfs facts {};
  if (::statfs(path.c_str(), &facts) != 0) return false;
  const auto type = static_cast<long>(facts.f_type);
  return type == NFS_SUPER_MAGIC || type == SMB_SUPER_MAGIC || type == cifs || type == smb2;
}

std::string read_pid(int descriptor) {
  std::array<char, 32> text{};
  const ssize_t count = ::pread(descriptor, text.data(), text.size(), 0);
  if (count <= 0) return "unknown";
  return {text.data(), static_cast<std::size_t>(count)};
}

/// The pid is for people only; a full disk does not keep a store from being opened to be emptied.
void write_pid(int descriptor) {
  const std::string pid = std::to_string(::getpid());
  if (::ftruncate(descriptor, 0) != 0) return;
  [[maybe_unused]] const ssize_t count = ::pwrite(descriptor, pid.data(), pid.size(), 0);
}

}  // namespace

Result<StoreDirectory> StoreDirectory::open(const std::string& path) {
  if (auto made = make_directory(path); !made) return made.error();
  if (is_network_file_system(path)) {
    return failure(path, "is on a network file system; it needs a local disk");
  }
  File lock{path + "/lock", O_RDWR | O_CREAT};
  if (!lock.is_open()) return failure(path, "cannot be locked", errno);
  if (::flock(lock.descriptor(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return failure(path, "cannot be locked", errno);
    return failure(path, "is open in another process (pid " + read_pid(lock.descriptor()) + ")");
  }
  write_pid(lock.descriptor());
  return StoreDirectory{path, lock.release()};
}

StoreDirectory::StoreDirectory(StoreDirectory&& other) noexcept
    : x_path_{std::move(other.x_path_)}, x_lock_{std::exchange(other.x_lock_, -1)} {}

// The lock file stays: removing it would let a third process lock a name that a second one has open
// already.
StoreDirectory::~StoreDirectory() {
  if (x_lock_ >= 0) ::close(x_lock_);
}

Result<void> StoreDirectory::ensure_database(
    const std::function<Result<void>(const std::string&)>& fill) const {
  std::error_code code;
  if (fs::exists(database(), code)) {
    const auto bytes = fs::file_size(database() + "/data.mdb", code);
    if (code || bytes == 0) return failure(x_path_, "has lost its file database/data.mdb");
    return {};
  }
  const std::string unfinished = database() + ".new";
  fs::remove_all(unfinished, code);
  if (code) return failure(x_path_, "cannot be cleared of database.new", code.value());
  if (auto made = make_directory(unfinished); !made) return made;
  if (auto filled = fill(unfinished); !filled) return filled;
  if (auto synced = sync(unfinished + "/data.mdb"); !synced) return synced;
  if (auto synced = sync(unfinished); !synced) return synced;
  fs::rename(unfinished, database(), code);
  if (code) return failure(x_path_, "cannot put its new database in place", code.value());
  return sync(x_path_);
}

Result<bool> StoreDirectory::extend_database(std::size_t bytes) const {
  const std::string path = database() + "/data.mdb";
  std::error_code code;
  const auto present = fs::file_size(path, code);
  if (code) return failure(x_path_, "cannot be measured", code.value());
  if (present >= bytes) return false;
  fs::resize_file(path, bytes, code);
  if (code) return failure(x_path_, "cannot be extended", code.value());
  return true;
}

Result<void> StoreDirectory::allocate_database(std::size_t bytes) const {
  const File file{database() + "/data.mdb", O_RDWR};
  if (!file.is_open()) return failure(x_path_, "cannot be opened", errno);
  if (::fallocate(file.descriptor(), 0, 0, static_cast<off_t>(bytes)) != 0) {
    return failure(x_path_, "has no room left on its disk", errno);
  }
  return {};
}

}  // namespace signalbox::persistence
