#include "framework/connect/rest/router.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace penstock::connect::rest {
namespace {

TEST(ParseTarget, DecodesSegmentsAndQuery) {
  Request request;
  ASSERT_TRUE(parse_target("/connectors/a%2Fb%20c+d/status?expand=info&expand=x+y&flag", request));
  EXPECT_EQ(request.path, (std::vector<std::string>{"connectors", "a/b c+d", "status"}));
  EXPECT_EQ(request.query.count("expand"), 2U);
  EXPECT_EQ(request.query.find("expand")->second, "info");
  EXPECT_EQ(request.query.find("flag")->second, "");
}

TEST(ParseTarget, BrokenPercentEncodingIsRefused) {
  for (const char* target : {"/%", "/%4", "/%zz", "/a?b=%1"}) {
    Request request;
    EXPECT_FALSE(parse_target(target, request)) << target;
  }
}

TEST(Router, SaysWhatIsWrongWithARequest) {
  Router router;
  router.add("GET", "/a/{}", [](const Request& r) { return Response{200, r.captured[0], {}}; });
  router.add(
      "PUT", "/a/{}", [](const Request&) { return Response{}; }, true);
  router.add("GET", "/throws", [](const Request&) -> Response { throw std::runtime_error("oh"); });
  const auto ask = [&](const char* method, const char* target, const char* type = "") {
    Request request;
    request.method = method;
    request.content_type = type;
    EXPECT_TRUE(parse_target(target, request));
    return router.handle(std::move(request));
  };
  EXPECT_EQ(ask("GET", "/a/x").body, "x");
  EXPECT_EQ(ask("GET", "/a/x/").body, "x");
  EXPECT_EQ(ask("GET", "/a").body, R"({"error_code":404,"message":"HTTP 404 Not Found"})");
  EXPECT_EQ(ask("POST", "/a/x").body,
            R"({"error_code":405,"message":"HTTP 405 Method Not Allowed"})");
  EXPECT_EQ(ask("PUT", "/a/x", "text/plain").body,
            R"({"error_code":415,"message":"HTTP 415 Unsupported Media Type"})");
  EXPECT_EQ(ask("PUT", "/a/x", "application/json; charset=utf-8").status, 200);
  EXPECT_EQ(ask("GET", "/throws").body, R"({"error_code":500,"message":"oh"})");
}

}  // namespace
}  // namespace penstock::connect::rest
