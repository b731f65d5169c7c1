#pragma once

namespace penstock {

/// Built with a sanitizer: programs take several times as long, and their memory is not their own.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kInstrumented = true;
#else
inline constexpr bool kInstrumented = false;
#endif
/// Tests multiply their deadlines in real time by this.
inline constexpr int kTimeScale = kInstrumented ? 6 : 1;

}  // namespace penstock
