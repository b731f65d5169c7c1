#include "framework/connect/plugin/instance.h"

namespace penstock::plugin {
namespace {

template <class T>
Result<Instance<T>> make(T* (*factory)(), void (*destroy)(T*), const Caller& caller,
                         const char* call) {
  T* made = nullptr;
  CallResult result = call_plugin(caller, call, [&] {
    if (factory == nullptr) throw std::logic_error("the plugin has no such factory");
    made = factory();
    if (made == nullptr) throw std::logic_error("returned null");
  });
  if (!result) return fail(Errc::kInvalid, std::move(result.text));
  return Instance<T>(made, Destroy<T>{destroy});
}

}  // namespace

Result<Instance<SourceTask>> make_source(const ConnectorDescriptor& connector,
                                         const Caller& caller) {
  return make(connector.make_source, connector.destroy_source, caller, "make_source");
}
Result<Instance<SinkTask>> make_sink(const ConnectorDescriptor& connector, const Caller& caller) {
  return make(connector.make_sink, connector.destroy_sink, caller, "make_sink");
}
Result<Instance<Transform>> make_transform(const ConnectorDescriptor& connector,
                                           const Caller& caller) {
  return make(connector.make_transform, connector.destroy_transform, caller, "make_transform");
}
Result<Instance<Connector>> make_connector(const ConnectorDescriptor& connector,
                                           const Caller& caller) {
  if (connector.make_connector == nullptr) return Instance<Connector>();
  return make(connector.make_connector, connector.destroy_connector, caller, "make_connector");
}

}  // namespace penstock::plugin
