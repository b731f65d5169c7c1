#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "framework/base/clock.h"
#include "framework/base/error.h"
#include "framework/connect/store/state_log.h"

namespace penstock::log {
class FileSystem;
}

namespace penstock::connect {

/// A worker's state in a local directory, for standalone mode. One thread.
class LocalState {
 public:
  struct Options {
    std::string path;                            // created if missing
    std::uint64_t compact_bytes_min = 1U << 20;  // smaller logs are never compacted
  };
  /// kBusy when another process has the directory; kCorrupt with file and position.
  static Result<std::unique_ptr<LocalState>> open(log::FileSystem& files, const Clock& clock,
                                                  Options options);
  /// On the operating system's files.
  static Result<std::unique_ptr<LocalState>> open(const Clock& clock, Options options);
  virtual ~LocalState() = default;

  virtual StateLog& log(StateTopic topic) = 0;
  /// What opening found worth a line in the log.
  [[nodiscard]] virtual const std::vector<std::string>& notes() const = 0;
  /// Clean stop; nothing may be put afterwards.
  virtual Status close() = 0;
};

}  // namespace penstock::connect
