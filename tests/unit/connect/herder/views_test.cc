#include "framework/connect/herder/views.h"

#include <gtest/gtest.h>

namespace penstock::connect {
namespace {

TEST(ValidationView, EachErrorOfASettingCounts) {
  ValidationView view;
  view.values.resize(3);
  view.values[0].errors = {"too long", "not a number"};
  view.values[2].errors = {"missing"};
  EXPECT_EQ(view.error_count(), 3);
}

}  // namespace
}  // namespace penstock::connect
