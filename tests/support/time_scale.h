#pragma once

namespace penstock {

/// Tests multiply their deadlines in real time by this: instrumented programs take several times as
/// long.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr int kTimeScale = 6;
#else
inline constexpr int kTimeScale = 1;
#endif

}  // namespace penstock
