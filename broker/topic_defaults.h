#pragma once

#include "broker/topics.h"
#include "framework/config/definition.h"

namespace penstock::broker {

/// What the broker's settings, checked, mean for topics that say nothing else.
[[nodiscard]] TopicSettings topic_defaults(const config::Settings& given);

}  // namespace penstock::broker
