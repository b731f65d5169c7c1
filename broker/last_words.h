#pragma once

namespace penstock::broker {

/// From now on an exception that escapes on any thread, or from what is noexcept, is named on
/// stderr together with its thread before the process aborts.
void install_last_words();

}  // namespace penstock::broker
