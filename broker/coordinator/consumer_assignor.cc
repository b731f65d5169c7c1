#include "broker/coordinator/consumer_assignor.h"

#include <algorithm>
#include <array>
#include <utility>

namespace penstock::broker {

namespace {

struct Slot {
  const std::string* id;
  const AssignorMember* member;
  std::size_t load = 0;
};

using Subscribers = std::map<Uuid, std::vector<std::size_t>>;  // indexes of slots

Subscribers subscribers_of(const AssignorInput& input, const std::vector<Slot>& slots) {
  Subscribers out;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    for (const Uuid& topic : slots[i].member->topics) {
      if (input.partitions.contains(topic)) out[topic].push_back(i);
    }
  }
  return out;
}

/// Who owns each partition of a topic, as an index of slots.
using Owners = std::map<Uuid, std::vector<std::size_t>>;
constexpr std::size_t kNobody = SIZE_MAX;

void keep_old(const AssignorInput& input, const Subscribers& subscribers, std::vector<Slot>& slots,
              Owners& owners) {
  for (const auto& [topic, who] : subscribers) {
    std::vector<std::size_t>& of = owners[topic];
    of.assign(static_cast<std::size_t>(input.partitions.at(topic)), kNobody);
    for (const std::size_t i : who) {
      const auto before = slots[i].member->before.find(topic);
      if (before == slots[i].member->before.end()) continue;
      for (const std::int32_t partition : before->second) {
        const auto at = static_cast<std::size_t>(partition);
        if (partition < 0 || at >= of.size() || of[at] != kNobody) continue;
        of[at] = i;
        ++slots[i].load;
      }
    }
  }
}

std::size_t least_loaded(const std::vector<std::size_t>& who, const std::vector<Slot>& slots) {
  return *std::min_element(who.begin(), who.end(), [&slots](std::size_t a, std::size_t b) {
    return slots[a].load < slots[b].load;
  });
}

/// Takes partitions of one topic from who has two or more above the least loaded subscriber; true
/// if any moved.
bool even_out(const std::vector<std::size_t>& who, std::vector<std::size_t>& of,
              std::vector<Slot>& slots) {
  std::map<std::size_t, std::vector<std::size_t>> owned;
  for (std::size_t partition = 0; partition < of.size(); ++partition)
    owned[of[partition]].push_back(partition);
  bool moved = false;
  while (true) {
    const std::size_t to = least_loaded(who, slots);
    auto from = owned.end();
    for (auto at = owned.begin(); at != owned.end(); ++at) {
      if (at->second.empty()) continue;
      if (from == owned.end() || slots[at->first].load > slots[from->first].load) from = at;
    }
    if (from == owned.end() || slots[from->first].load < slots[to].load + 2) return moved;
    const std::size_t partition = from->second.back();
    from->second.pop_back();
    --slots[from->first].load;
    of[partition] = to;
    ++slots[to].load;
    owned[to].push_back(partition);
    moved = true;
  }
}

}  // namespace

std::map<std::string, Assignment> assign_uniform(const AssignorInput& input) {
  std::vector<Slot> slots;
  for (const auto& [id, member] : input.members) slots.push_back({&id, &member, 0});
  const Subscribers subscribers = subscribers_of(input, slots);
  Owners owners;
  keep_old(input, subscribers, slots, owners);

  // Topics that few read have the least choice, so they come first.
  std::vector<const Subscribers::value_type*> order;
  for (const auto& entry : subscribers) order.push_back(&entry);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return a->second.size() < b->second.size();
  });
  for (const auto* entry : order) {
    for (std::size_t& owner : owners[entry->first]) {
      if (owner != kNobody) continue;
      owner = least_loaded(entry->second, slots);
      ++slots[owner].load;
    }
  }
  // Every move makes the sum of squares of the loads smaller, so this ends.
  for (bool moved = true; moved;) {
    moved = false;
    for (const auto* entry : order)
      moved = even_out(entry->second, owners[entry->first], slots) || moved;
  }

  std::map<std::string, Assignment> out;
  for (const auto& [id, member] : input.members) out[id];
  for (const auto& [topic, of] : owners) {
    for (std::size_t partition = 0; partition < of.size(); ++partition)
      out[*slots[of[partition]].id][topic].insert(static_cast<std::int32_t>(partition));
  }
  return out;
}

std::map<std::string, Assignment> assign_range(const AssignorInput& input) {
  std::vector<Slot> slots;
  for (const auto& [id, member] : input.members) slots.push_back({&id, &member, 0});
  std::sort(slots.begin(), slots.end(), [](const Slot& a, const Slot& b) {
    const auto& x = a.member->instance_id;
    const auto& y = b.member->instance_id;
    if (x.has_value() != y.has_value()) return x.has_value();
    return x && *x != *y ? *x < *y : *a.id < *b.id;
  });
  std::map<std::string, Assignment> out;
  for (const auto& [id, member] : input.members) out[id];
  for (const auto& [topic, who] : subscribers_of(input, slots)) {
    const auto members = static_cast<std::int32_t>(who.size());
    const std::int32_t each = input.partitions.at(topic) / members;
    std::int32_t extra = input.partitions.at(topic) % members;
    std::int32_t next = 0;
    for (const std::size_t i : who) {
      const std::int32_t end = next + each + (extra-- > 0 ? 1 : 0);
      for (; next < end; ++next) out[*slots[i].id][topic].insert(next);
    }
  }
  return out;
}

Assignor find_assignor(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, Assignor>, 2> kAll = {
      {{"uniform", assign_uniform}, {"range", assign_range}}};
  for (const auto& [known, assignor] : kAll) {
    if (known == name) return assignor;
  }
  return nullptr;
}

}  // namespace penstock::broker
