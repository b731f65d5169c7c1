#include "framework/process/resident.h"

#include <unistd.h>

#include <fstream>
#include <string>

namespace penstock::process {

std::int64_t resident_bytes(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/statm");
  std::int64_t size_pages = 0;
  std::int64_t resident_pages = 0;
  if (!(in >> size_pages >> resident_pages)) return 0;
  return resident_pages * ::sysconf(_SC_PAGESIZE);
}

}  // namespace penstock::process
