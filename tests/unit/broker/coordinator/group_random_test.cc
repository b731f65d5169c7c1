#include <gtest/gtest.h>

#include <random>
#include <set>

#include "broker/coordinator/offsets_records.h"
#include "tests/unit/broker/coordinator/group_driver.h"

// Random clients, timers, lost answers and failed appends against one group; what must hold is
// checked after every step.
namespace penstock::broker {
namespace {

using protocol::ErrorCode;

class RandomGroup {
 public:
  explicit RandomGroup(std::uint64_t seed) : random_(seed) {
    d_.confirm = false;
    d_.limits.members_max = 6;
    d_.limits.initial_rebalance_delay_ms = pick(2) == 0 ? 0 : 100;
    d_.limits.offsets_retention_ms = 60'000;
  }

  void run(int steps) {
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) {
      one();
      check();
    }
    drain();
  }

 private:
  std::size_t pick(std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_);
  }
  std::string any_member() {
    if (d_.group.members.empty() || pick(10) == 0) return "stranger";
    auto at = d_.group.members.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(pick(d_.group.members.size())));
    return at->first;
  }
  AnswerId ask() {
    asked_.insert(next_);
    return next_++;
  }
  std::optional<std::string> instance_of(const std::string& member) {
    const auto at = d_.group.members.find(member);
    return at == d_.group.members.end() ? std::nullopt : at->second.instance_id;
  }
  std::int32_t generation() { return pick(8) == 0 ? d_.group.generation - 1 : d_.group.generation; }

  void join() {
    std::string id;
    const std::size_t kind = pick(4);
    if (kind == 0 && !d_.group.pending_members.empty())
      id = d_.group.pending_members.begin()->first;
    else if (kind < 3)
      id = any_member();
    JoinEvent e =
        GroupDriver::join(ask(), id, "range", std::string(1, static_cast<char>('a' + pick(2))));
    if (id.empty() && pick(3) == 0)
      e.instance_id = std::string(1, static_cast<char>('x' + pick(3)));
    else if (!id.empty())
      e.instance_id = instance_of(id);
    e.member_id_required = id.empty() && !e.instance_id && pick(2) == 0;
    e.skip_assignment_known = pick(2) == 0;
    d_.feed(std::move(e));
  }
  void one() {
    switch (pick(12)) {
      case 0:
      case 1:
      case 2:
        return join();
      case 3:
      case 4: {
        const std::string id = any_member();
        SyncEvent e = GroupDriver::sync(ask(), generation(), id, {{id, "mine"}, {"nobody", "x"}});
        e.instance_id = instance_of(id);
        return d_.feed(std::move(e));
      }
      case 5: {
        const std::string id = any_member();
        return d_.feed(HeartbeatEvent{ask(), generation(), id, instance_of(id)});
      }
      case 6: {
        LeaveEvent e;
        e.answer = ask();
        const std::string id = any_member();
        e.members = {{id, instance_of(id)}};
        return d_.feed(std::move(e));
      }
      case 7: {
        CommitEvent e;
        e.answer = ask();
        const std::string id = pick(3) == 0 ? "" : any_member();
        e.member_id = id;
        e.generation = id.empty() ? -1 : generation();
        e.instance_id = instance_of(id);
        CommittedOffset o;
        o.offset = static_cast<std::int64_t>(pick(1000));
        e.offsets = {{{"t", static_cast<std::int32_t>(pick(3))}, o}};
        return d_.feed(std::move(e));
      }
      case 8:
        return d_.pass(static_cast<std::int64_t>(pick(20'000)));
      case 9:
      case 10:
        return d_.confirm_all(pick(10) == 0 ? ErrorCode::kStorageError : ErrorCode::kNone);
      default:
        break;
    }
    switch (pick(6)) {
      case 0:
        return d_.feed(DeleteEvent{ask()});
      case 1:
        return d_.feed(ExpireOffsetsEvent{});
      case 2:
        return d_.feed(TopicDeletedEvent{"t"});
      default:
        return;
    }
  }

  void check() {
    const Group& g = d_.group;
    if (g.state == GroupState::kDead) {
      EXPECT_TRUE(g.members.empty());
      if (g.stores.empty()) replay_equals(Group{});
      if (g.stores.empty()) {
        drain();
        d_.group = Group{};
        d_.group.id = "g";
      }
      return;
    }
    EXPECT_LE(g.members.size(), 6U);
    for (const auto& [id, member] : g.members) {
      EXPECT_EQ(member.id, id);
      if (member.join_answer != 0) {
        EXPECT_EQ(g.state, GroupState::kPreparingRebalance);
      }
      if (member.sync_answer != 0) {
        EXPECT_EQ(g.state, GroupState::kCompletingRebalance);
      }
      if (member.instance_id) {
        EXPECT_EQ(g.static_members.at(*member.instance_id), id);
      }
    }
    for (const auto& [instance, id] : g.static_members)
      EXPECT_EQ(g.members.at(id).instance_id, instance);
    for (const std::string& id : g.unsynced) EXPECT_TRUE(g.members.contains(id));
    if (g.leader) {
      EXPECT_TRUE(g.members.contains(*g.leader));
    }
    if (g.state == GroupState::kEmpty) {
      EXPECT_TRUE(g.members.empty());
    } else {
      EXPECT_FALSE(g.members.empty() && g.pending_members.empty());
    }
    if (g.state == GroupState::kStable || g.state == GroupState::kCompletingRebalance) {
      EXPECT_TRUE(g.leader && g.protocol);
    }
    if (!g.members.empty() && g.stores.empty()) {
      EXPECT_TRUE(wake_ms(g).has_value());
    }
    if (g.stores.empty()) replay_equals(g);
  }

  /// What was stored gives back every committed offset.
  void replay_equals(const Group& g) {
    std::map<TopicPartition, CommittedOffset> offsets;
    for (const auto& record : d_.log) {
      const auto key = decode_key(record.key);
      ASSERT_TRUE(key.has_value());
      const auto* offset = std::get_if<OffsetRecordKey>(&*key);
      if (offset == nullptr) continue;
      if (record.value)
        offsets[offset->partition] = *decode_offset(*record.value);
      else
        offsets.erase(offset->partition);
    }
    EXPECT_EQ(offsets, g.offsets);
  }

  /// Everybody leaves or times out, every append ends: nobody may be left without an answer.
  void drain() {
    d_.confirm_all();
    for (int i = 0; i < 20; ++i) {
      d_.pass(400'000);
      d_.confirm_all();
    }
    EXPECT_TRUE(d_.group.members.empty());
    for (const AnswerId id : asked_) EXPECT_TRUE(d_.answers.contains(id)) << id;
  }

  std::mt19937_64 random_;
  GroupDriver d_;
  AnswerId next_ = 1;
  std::set<AnswerId> asked_;
};

TEST(GroupRandom, EveryRequestIsAnsweredOnceAndStoredOffsetsComeBack) {
  const std::uint64_t base = std::random_device{}();
  for (std::uint64_t i = 0; i < 300 && !HasFailure(); ++i) {
    SCOPED_TRACE("seed " + std::to_string(base + i));
    RandomGroup(base + i).run(300);
  }
}

}  // namespace
}  // namespace penstock::broker
