#include "broker/broker_config.h"

#include <algorithm>
#include <utility>

#include "broker/metadata/topic_config.h"

namespace penstock::broker {

namespace {

const TopicConfigDef* def_of(std::string_view name) {
  const auto defs = topic_config_defs();
  const auto found = std::find_if(defs.begin(), defs.end(), [name](const TopicConfigDef& def) {
    return def.broker_name == name && !def.fixed;
  });
  return found == defs.end() ? nullptr : &*found;
}

Status set_all(const std::map<std::string, std::string>& values, TopicSettings& to) {
  for (const auto& [name, value] : values) {
    const TopicConfigDef* def = def_of(name);
    if (def == nullptr)
      return fail(Errc::kInvalid, "Cannot update these configs dynamically: [" + name + "]");
    if (auto set = def->set(to, value); !set) {
      return fail(Errc::kInvalid, "Invalid value " + value + " for configuration " + name + ": " +
                                      set.error().text);
    }
  }
  return {};
}

}  // namespace

bool is_dynamic_setting(std::string_view name) { return def_of(name) != nullptr; }

Result<BrokerConfig> make_broker_config(const TopicSettings& file,
                                        std::map<std::string, std::string> cluster,
                                        std::map<std::string, std::string> own) {
  BrokerConfig out;
  out.topic_defaults = file;
  PENSTOCK_RETURN_IF_ERROR(set_all(cluster, out.topic_defaults));
  PENSTOCK_RETURN_IF_ERROR(set_all(own, out.topic_defaults));
  PENSTOCK_RETURN_IF_ERROR(check_together(out.topic_defaults));
  out.cluster = std::move(cluster);
  out.own = std::move(own);
  return out;
}

}  // namespace penstock::broker
