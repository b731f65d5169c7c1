#pragma once
// Owning handles to what a plugin's factories make.

#include <memory>

#include "framework/base/error.h"
#include "framework/connect/plugin/guard.h"
#include "penstock/descriptor.h"
#include "penstock/plugin.h"

namespace penstock::plugin {

template <class T>
struct Destroy {
  void (*destroy)(T*) = nullptr;
  void operator()(T* object) const noexcept { destroy(object); }
};
template <class T>
using Instance = std::unique_ptr<T, Destroy<T>>;

/// A new object of the plugin. Errors: kInvalid, "connector X task N: make_source: ...".
Result<Instance<SourceTask>> make_source(const ConnectorDescriptor& connector,
                                         const Caller& caller);
Result<Instance<SinkTask>> make_sink(const ConnectorDescriptor& connector, const Caller& caller);
Result<Instance<Transform>> make_transform(const ConnectorDescriptor& connector,
                                           const Caller& caller);
/// Empty when the plugin has no connector class: one task gets the whole configuration.
Result<Instance<Connector>> make_connector(const ConnectorDescriptor& connector,
                                           const Caller& caller);

}  // namespace penstock::plugin
