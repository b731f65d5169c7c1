#include "framework/connect/supervise/secrets.h"

#include <gtest/gtest.h>

namespace penstock::connect {
namespace {

TEST(Secrets, AreHiddenWhereverTheyStand) {
  Secrets secrets;
  secrets.add("sup3rSecretX");
  secrets.add("sup3rSecretX and more\n");
  secrets.add("ab");
  secrets.add("");
  EXPECT_EQ(secrets.masked("a=sup3rSecretX,sup3rSecretX and more"), "a=[hidden],[hidden]");
  EXPECT_EQ(secrets.masked("'ab' is about ab_"), "'[hidden]' is about ab_");
  EXPECT_EQ(secrets.masked("nothing"), "nothing");
}

}  // namespace
}  // namespace penstock::connect
