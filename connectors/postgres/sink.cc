#include "connectors/postgres/sink.h"

#include "connectors/postgres/sink_database.h"

namespace penstock::postgres {
namespace {

Address address_of(const Config& config) {
  return {config.text("connection.url"), config.text("connection.user"),
          config.text("connection.password")};
}

}  // namespace

std::unique_ptr<relational::SinkDatabase> Sink::make_database(const Config& config,
                                                              const relational::SinkSettings&,
                                                              SinkContext&) {
  return std::make_unique<PostgresSinkDatabase>(address_of(config));
}

void test_sink_connection(const Config& config) {
  try {
    const Connection connection(address_of(config));
  } catch (const Error& e) {
    if (e.busy()) throw relational::BusyError(e.what());
    throw;
  }
}

}  // namespace penstock::postgres
