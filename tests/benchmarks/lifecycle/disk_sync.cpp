// What the disk itself takes to make 4 KiB durable: appended, then fdatasync.
//
//   disk_sync FILE [COUNT 300]
#include <algorithm>
#include <vector>

#include "tests/benchmarks/streams/bench_net.hpp"

int main(int count, char** words) {
  if (count < 2) {
    std::fprintf(stderr, "disk_sync FILE [COUNT]\n");
    return 2;
  }
  const int fd = ::open(words[1], O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) bench::die("open");
  const std::string block(4096, 'x');
  std::vector<std::int64_t> took(
      static_cast<std::size_t>(std::max(1L, bench::number_argument(count, words, 2, 300))));
  for (auto& each : took) {
    const auto began = bench::now_ns();
    if (::write(fd, block.data(), block.size()) < 0) bench::die("write");
    if (::fdatasync(fd) != 0) bench::die("fdatasync");
    each = bench::now_ns() - began;
  }
  std::sort(took.begin(), took.end());
  std::printf("p50_us=%.0f p99_us=%.0f\n", static_cast<double>(took[took.size() / 2]) / 1e3,
              static_cast<double>(took[took.size() * 99 / 100]) / 1e3);
}
