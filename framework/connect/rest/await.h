#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <utility>

#include "framework/connect/herder/views.h"

namespace penstock::connect::rest {

inline constexpr std::chrono::seconds kRequestTimeout{90};

/// Runs `ask` with a reply and waits for it. Nothing: there was none within `at_most`.
template <class T, class F>
std::optional<tl::expected<T, RestError>> await_within(std::chrono::milliseconds at_most, F ask) {
  auto promise = std::make_shared<std::promise<tl::expected<T, RestError>>>();
  auto future = promise->get_future();
  ask(Reply<T>([promise = std::move(promise)](tl::expected<T, RestError> result) {
    promise->set_value(std::move(result));
  }));
  if (future.wait_for(at_most) != std::future_status::ready) return std::nullopt;
  try {
    return future.get();
  } catch (const std::future_error&) {
    return tl::make_unexpected(RestError{503, "The worker is stopping"});
  }
}

template <class T, class F>
tl::expected<T, RestError> await(F ask) {
  auto result = await_within<T>(kRequestTimeout, std::move(ask));
  if (result) return *std::move(result);
  return tl::make_unexpected(
      RestError{500, "Request timed out. The worker did not finish it within 90 s."});
}

}  // namespace penstock::connect::rest
