#pragma once

#include <chrono>
#include <future>
#include <memory>

#include "framework/connect/herder/views.h"

namespace penstock::connect::rest {

inline constexpr std::chrono::seconds kRequestTimeout{90};

/// Runs `ask` with a reply and waits for it.
template <class T, class F>
tl::expected<T, RestError> await(F ask) {
  auto promise = std::make_shared<std::promise<tl::expected<T, RestError>>>();
  auto future = promise->get_future();
  ask(Reply<T>([promise = std::move(promise)](tl::expected<T, RestError> result) {
    promise->set_value(std::move(result));
  }));
  if (future.wait_for(kRequestTimeout) != std::future_status::ready) {
    return tl::make_unexpected(
        RestError{500, "Request timed out. The worker did not finish it within 90 s."});
  }
  try {
    return future.get();
  } catch (const std::future_error&) {
    return tl::make_unexpected(RestError{503, "The worker is stopping"});
  }
}

}  // namespace penstock::connect::rest
