#include "framework/connect/plugin/guard.h"

#include <cxxabi.h>

#include <cstdlib>
#include <exception>
#include <memory>
#include <new>
#include <typeinfo>

#include "penstock/plugin.h"

namespace penstock::plugin {
namespace {

std::string type_of_current() {
  const std::type_info* type = abi::__cxa_current_exception_type();
  if (type == nullptr) return "an unknown type";
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(type->name(), nullptr, nullptr, &status), &std::free);
  return status == 0 && name ? std::string(name.get()) : std::string(type->name());
}

std::string one_line(const char* what) {
  std::string out(std::string_view(what == nullptr ? "" : what).substr(0, kErrorTextMax));
  while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
  return out.empty() ? "no text given" : out;
}

CallResult result(const Caller& caller, std::string_view call, Outcome outcome,
                  std::string_view what, std::size_t index = 0) {
  CallResult out{outcome, index, "connector "};
  out.text.append(caller.connector);
  if (caller.task >= 0) out.text.append(" task ").append(std::to_string(caller.task));
  out.text.append(": ").append(call).append(": ").append(what);
  return out;
}

CallResult classify(const Caller& caller, std::string_view call) {
  try {
    throw;
  } catch (const RetriableError& error) {
    return result(caller, call, Outcome::kRetriable, one_line(error.what()));
  } catch (const RecordError& error) {
    // The index counts within one call and says nothing to a user: the host names the record.
    return result(caller, call, Outcome::kRecordError, one_line(error.what()), error.index);
  } catch (const std::bad_alloc&) {
    return result(caller, call, Outcome::kFailed, "out of memory (std::bad_alloc)");
  } catch (const std::exception& error) {
    return result(caller, call, Outcome::kFailed, one_line(error.what()));
  } catch (...) {
    return result(caller, call, Outcome::kFailed,
                  "threw " + type_of_current() + ", which is no std::exception");
  }
}

}  // namespace

CallResult classify_current_exception(const Caller& caller, std::string_view call) noexcept {
  try {
    return classify(caller, call);
  } catch (...) {
    return {Outcome::kFailed, 0, {}};  // no memory left for a text
  }
}

}  // namespace penstock::plugin
