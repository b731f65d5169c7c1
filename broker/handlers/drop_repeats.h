#pragma once

#include <cstddef>
#include <set>
#include <vector>

namespace penstock::broker {

/// Kafka answers again what a request asks for again. Clients take answers by name and ask for
/// nothing twice, so a few repeats are answered like there, and the others are taken out of
/// `asked`: who names one thing a hundred thousand times would get it as often, and it may be
/// large.
inline constexpr std::size_t kRepeatsMax = 100;

template <class T, class KeyOf>
void drop_repeats(std::vector<T>& asked, KeyOf key_of) {
  std::set<decltype(key_of(asked.front()))> seen;
  std::size_t repeats = 0;
  std::erase_if(asked, [&](const T& item) {
    return !seen.insert(key_of(item)).second && ++repeats > kRepeatsMax;
  });
}

}  // namespace penstock::broker
