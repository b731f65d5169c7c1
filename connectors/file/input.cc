#include "connectors/file/input.h"

#include <algorithm>
#include <stdexcept>

namespace penstock::file {
namespace {

constexpr std::size_t kReadBytes = 256 * 1024;

}  // namespace

Input::Input(std::string path, const InputSettings& settings, Log log)
    : path_(std::move(path)), settings_(settings), log_(std::move(log)) {}

void Input::start(TrackedFile file, std::int64_t position) {
  file_ = std::move(file);
  place_ = Place{position, Identity{file_->inode(), 0, 0}};
  buffer_.clear();
  used_ = 0;
  changed_ = true;
  silent_since_.reset();
  remember_beginning();
}

void Input::remember_beginning() {
  Identity& identity = place_.identity;
  if (identity.fingerprint_bytes == kFingerprintBytes) return;
  const std::int64_t bytes = std::min(kFingerprintBytes, file_->size());
  if (const auto fingerprint = file_->fingerprint(bytes)) {
    identity.fingerprint = *fingerprint;
    identity.fingerprint_bytes = bytes;
  }
}

void Input::resume(const Place& stored) {
  later_.clear();
  auto current = TrackedFile::open(path_);
  const bool known = stored.identity.fingerprint_bytes > 0 || stored.identity.inode != 0;
  if (current && (!known || current->inode() == stored.identity.inode) &&
      current->continues(stored.identity, stored.position)) {
    return start(std::move(*current), stored.position);
  }
  // Renamed (same inode), or copied before it was truncated (same beginning, and at least as long).
  auto siblings = rotated(path_);
  const auto same = [&](bool by_inode) {
    return std::find_if(siblings.begin(), siblings.end(), [&](const TrackedFile& file) {
      return (!by_inode || file.inode() == stored.identity.inode) &&
             file.continues(stored.identity, stored.position);
    });
  };
  auto found = same(true);
  if (found == siblings.end() && stored.identity.fingerprint_bytes > 0) found = same(false);
  if (found == siblings.end()) {
    if (stored.position > 0) {
      log_(path_ + ": the file that was read up to byte " + std::to_string(stored.position) +
           " is gone; what it held behind that is not read; going on with the present file from "
           "its beginning");
    }
    file_.reset();
    if (current) start(std::move(*current), 0);
    return;
  }
  for (auto next = found + 1; next != siblings.end(); ++next) later_.push_back(std::move(*next));
  start(std::move(*found), stored.position);
}

void Input::start_with(std::vector<TrackedFile> older) {
  for (auto next = older.begin() + 1; next != older.end(); ++next)
    later_.push_back(std::move(*next));
  start(std::move(older.front()), 0);
}

std::size_t Input::find_end(std::string_view from, std::size_t searched) const {
  if (!settings_.quoted) return from.find('\n', searched);
  // As split_csv() sees it: quotes count only where a field begins with one.
  bool inside = false;
  bool field_begins = true;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const char c = from[i];
    if (inside) {
      if (c != settings_.quote) continue;
      if (i + 1 < from.size() && from[i + 1] == settings_.quote)
        ++i;
      else
        inside = false;
    } else {
      if (c == '\n') return i;
      inside = field_begins && c == settings_.quote;
      field_begins = c == settings_.delimiter;
    }
  }
  return std::string_view::npos;
}

std::optional<std::string_view> Input::next() {
  if (ended_) return std::nullopt;
  if (!file_) {
    auto opened = TrackedFile::open(path_);
    if (!opened) return std::nullopt;
    start(std::move(*opened), 0);
  }
  std::size_t searched = 0;
  while (true) {
    const std::string_view rest = std::string_view(buffer_).substr(used_);
    std::size_t end = find_end(rest, searched);
    std::size_t taken = end + 1;
    searched = rest.size();
    if (end == std::string_view::npos && rest.size() <= settings_.line_bytes_max) {
      if (fill()) continue;
      if (!at_end()) {
        if (!file_ || used_ == buffer_.size()) searched = 0;
        if (ended_ || idle_) return std::nullopt;
        continue;
      }
      end = taken = rest.size();  // a last line without its end
    }
    if (end > settings_.line_bytes_max) {
      throw std::runtime_error(
          file_->path() + ": the line at byte " + std::to_string(place_.position) +
          " is longer than line.bytes.max=" + std::to_string(settings_.line_bytes_max) +
          "; raise it, or mend the file");
    }
    line_start_ = place_.position;
    std::string_view line = std::string_view(buffer_).substr(used_, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    used_ += taken;
    place_.position += static_cast<std::int64_t>(taken);
    return line;
  }
}

bool Input::fill() {
  if (idle_ && !file_->continues(place_.identity, place_.position))
    return false;  // truncated meanwhile
  buffer_.erase(0, used_);
  used_ = 0;
  const auto from = place_.position + static_cast<std::int64_t>(buffer_.size());
  const bool any = file_->read(from, kReadBytes, buffer_) > 0;
  if (any) {
    idle_ = false;
    silent_since_.reset();
    remember_beginning();
  }
  return any;
}

/// At the end of the open file. True: what is left in the buffer is its last line. False: see
/// idle_, ended_, or go on.
bool Input::at_end() {
  idle_ = false;
  const bool rest = used_ < buffer_.size();
  const bool current = later_.empty() && [this] {
    const auto now = TrackedFile::open(path_);
    return !now ||
           (now->inode() == file_->inode() && file_->continues(place_.identity, place_.position));
  }();
  if (current) {
    if (settings_.follow) {
      idle_ = true;
      return false;
    }
    if (rest) return true;
    ended_ = true;
    return false;
  }
  const bool truncated = !file_->continues(place_.identity, place_.position);
  if (!truncated && later_.empty() && settings_.follow) {
    // Renamed a moment ago: its writer may still hold it.
    const auto now = std::chrono::steady_clock::now();
    if (!silent_since_) silent_since_ = now;
    if (now - *silent_since_ < settings_.rotation_wait) {
      idle_ = true;
      return false;
    }
  }
  if (rest && !truncated) return true;
  switch_file();
  return false;
}

bool Input::switch_file() {
  if (!file_->continues(place_.identity, place_.position)) {
    const Place read = place_;
    buffer_.clear();
    resume(read);  // finds the copy, if rotation made one
    return true;
  }
  if (later_.empty()) {
    // Files that were rotated after this one, and not read yet.
    const std::int64_t inode = file_->inode(), modified = file_->modified_ns();
    for (TrackedFile& file : rotated(path_)) {
      if (file.inode() != inode && file.modified_ns() > modified) later_.push_back(std::move(file));
    }
  }
  if (!later_.empty()) {
    TrackedFile file = std::move(later_.front());
    later_.pop_front();
    start(std::move(file), 0);
    return true;
  }
  auto current = TrackedFile::open(path_);
  if (!current) {
    idle_ = settings_.follow;
    ended_ = !settings_.follow;
    return false;
  }
  start(std::move(*current), 0);
  return true;
}

std::optional<std::string> Input::first_line() const {
  std::string text;
  file_->read(0, settings_.line_bytes_max + 1, text);
  const std::size_t end = find_end(text, 0);
  if (end == std::string::npos) return std::nullopt;
  text.resize(end);
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

}  // namespace penstock::file
