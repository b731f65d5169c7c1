#pragma once
// The C front door: one plain-data object, found by name before any plugin code runs. The name
// carries the ABI major, so that a plugin for another major is told apart without loading it.

#include <cstddef>
#include <cstdint>

#include "penstock/config.h"

#define PENSTOCK_PLUGIN_ABI_MAJOR 1
#define PENSTOCK_PLUGIN_ABI_MINOR 1
#define PENSTOCK_PLUGIN_SYMBOL penstock_plugin_v1
#define PENSTOCK_PLUGIN_SYMBOL_TEXT "penstock_plugin_v1"
#define PENSTOCK_PLUGIN_MAGIC 0x50454E53544F434BULL  // "PENSTOCK"

#define PENSTOCK_TEXT_INNER_(x) #x
#define PENSTOCK_TEXT_(x) PENSTOCK_TEXT_INNER_(x)
#if defined(__clang__)
#define PENSTOCK_COMPILER_ "clang" PENSTOCK_TEXT_(__clang_major__)
#else
#define PENSTOCK_COMPILER_ "gcc" PENSTOCK_TEXT_(__GNUC__)
#endif
#include <string>  // defines _GLIBCXX_USE_CXX11_ABI
#if defined(_GLIBCXX_USE_CXX11_ABI) && _GLIBCXX_USE_CXX11_ABI
#define PENSTOCK_LIBRARY_ "libstdc++11"
#elif defined(__GLIBCXX__)
#define PENSTOCK_LIBRARY_ "libstdc++98"
#else
#define PENSTOCK_LIBRARY_ "libc++"
#endif
#if __cplusplus >= 202002L
#define PENSTOCK_STANDARD_ "c++20"
#else
#error "Penstock plugins need C++20: compile with -std=c++20"
#endif
/// Compiler major, library ABI and language: the C++ part of the boundary holds only between equal
/// toolchains.
#define PENSTOCK_TOOLCHAIN PENSTOCK_COMPILER_ " " PENSTOCK_LIBRARY_ " " PENSTOCK_STANDARD_

// How the boundary grows: a further virtual function goes at the end of a class that nothing
// derives from in the SDK, and raises PENSTOCK_PLUGIN_ABI_MINOR; the host calls it on a plugin's
// object only when that plugin's abi_minor has it. Every other change of a layout in these headers
// raises the major, and with it the symbol's name.
namespace penstock {

class SourceTask;
class SinkTask;
class Connector;
class Transform;

enum class PluginKind : std::uint32_t { kSource = 1, kSink = 2, kTransform = 3 };

/// One connector class. Factories return a new object or throw; destroy functions take what the
/// factory of this entry made.
struct ConnectorDescriptor {
  std::uint32_t struct_size;  // sizeof(ConnectorDescriptor)
  PluginKind kind;
  const char* name;     // "SqliteSource"
  const char* aliases;  // other accepted names, '|' between them: Java class names that users
                        // paste; may be ""
  const char* doc;      // one sentence
  const ConfigKey* keys;
  std::uint32_t key_count;
  std::uint32_t reserved;        // 0
  SourceTask* (*make_source)();  // kSource only, else nullptr
  void (*destroy_source)(SourceTask*);
  SinkTask* (*make_sink)();  // kSink only, else nullptr
  void (*destroy_sink)(SinkTask*);
  Connector* (*make_connector)();  // may be nullptr: one task gets the whole configuration
  void (*destroy_connector)(Connector*);
  Transform* (*make_transform)();  // kTransform only, else nullptr
  void (*destroy_transform)(Transform*);
};

/// Checked in this order: magic, struct_size, abi_major, abi_minor (at most the host's), toolchain,
/// then each connector.
struct PluginDescriptor {
  std::uint64_t magic;        // PENSTOCK_PLUGIN_MAGIC
  std::uint32_t struct_size;  // sizeof(PluginDescriptor)
  std::uint16_t abi_major;
  std::uint16_t abi_minor;
  const char* toolchain;  // PENSTOCK_TOOLCHAIN
  const char* name;       // "sqlite"
  const char* version;    // "1.0.0"
  const ConnectorDescriptor* connectors;
  std::uint32_t connector_count;  // at most 64
  std::uint32_t reserved;         // 0
};

template <class T, class Base>
Base* make_of() {
  return new T();
}
template <class T, class Base>
void destroy_of(Base* object) {
  delete static_cast<T*>(object);
}

/// A source class without / with a connector class of its own.
template <class Task, std::size_t N>
constexpr ConnectorDescriptor source(const char* name, const char* aliases, const char* doc,
                                     const ConfigKey (&keys)[N]) {
  ConnectorDescriptor d{};
  d.struct_size = sizeof d;
  d.kind = PluginKind::kSource;
  d.name = name;
  d.aliases = aliases;
  d.doc = doc;
  d.keys = keys;
  d.key_count = static_cast<std::uint32_t>(N);
  d.make_source = &make_of<Task, SourceTask>;
  d.destroy_source = &destroy_of<Task, SourceTask>;
  return d;
}
template <class Task, std::size_t N>
constexpr ConnectorDescriptor sink(const char* name, const char* aliases, const char* doc,
                                   const ConfigKey (&keys)[N]) {
  ConnectorDescriptor d{};
  d.struct_size = sizeof d;
  d.kind = PluginKind::kSink;
  d.name = name;
  d.aliases = aliases;
  d.doc = doc;
  d.keys = keys;
  d.key_count = static_cast<std::uint32_t>(N);
  d.make_sink = &make_of<Task, SinkTask>;
  d.destroy_sink = &destroy_of<Task, SinkTask>;
  return d;
}
/// Without settings of its own.
template <class Task>
constexpr ConnectorDescriptor source(const char* name, const char* aliases, const char* doc) {
  const ConfigKey none[1] = {};
  ConnectorDescriptor d = source<Task>(name, aliases, doc, none);
  d.keys = nullptr;
  d.key_count = 0;
  return d;
}
template <class Task>
constexpr ConnectorDescriptor sink(const char* name, const char* aliases, const char* doc) {
  const ConfigKey none[1] = {};
  ConnectorDescriptor d = sink<Task>(name, aliases, doc, none);
  d.keys = nullptr;
  d.key_count = 0;
  return d;
}
template <class Task, std::size_t N>
constexpr ConnectorDescriptor transform(const char* name, const char* aliases, const char* doc,
                                        const ConfigKey (&keys)[N]) {
  ConnectorDescriptor d{};
  d.struct_size = sizeof d;
  d.kind = PluginKind::kTransform;
  d.name = name;
  d.aliases = aliases;
  d.doc = doc;
  d.keys = keys;
  d.key_count = static_cast<std::uint32_t>(N);
  d.make_transform = &make_of<Task, Transform>;
  d.destroy_transform = &destroy_of<Task, Transform>;
  return d;
}
template <class C>
constexpr ConnectorDescriptor with_connector(ConnectorDescriptor d) {
  d.make_connector = &make_of<C, Connector>;
  d.destroy_connector = &destroy_of<C, Connector>;
  return d;
}

}  // namespace penstock

/// Exports the plugin: PENSTOCK_PLUGIN("sqlite", "1.0.0", kConnectors) with a static array of
/// ConnectorDescriptor.
#define PENSTOCK_PLUGIN(plugin_name, plugin_version, connector_array)                   \
  extern "C" __attribute__((visibility("default")))                                     \
  const ::penstock::PluginDescriptor PENSTOCK_PLUGIN_SYMBOL;                            \
  extern "C" const ::penstock::PluginDescriptor PENSTOCK_PLUGIN_SYMBOL = {              \
      PENSTOCK_PLUGIN_MAGIC,                                                            \
      sizeof(::penstock::PluginDescriptor),                                             \
      PENSTOCK_PLUGIN_ABI_MAJOR,                                                        \
      PENSTOCK_PLUGIN_ABI_MINOR,                                                        \
      PENSTOCK_TOOLCHAIN,                                                               \
      plugin_name,                                                                      \
      plugin_version,                                                                   \
      connector_array,                                                                  \
      static_cast<std::uint32_t>(sizeof(connector_array) / sizeof(connector_array[0])), \
      0};
