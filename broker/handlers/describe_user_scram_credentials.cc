#include "broker/handlers/describe_user_scram_credentials.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace penstock::broker {

using protocol::DescribeUserScramCredentialsRequest;
using protocol::DescribeUserScramCredentialsResponse;
using protocol::ErrorCode;

void handle_describe_user_scram_credentials(RequestContext /*context*/,
                                            DescribeUserScramCredentialsRequest request,
                                            Reply<DescribeUserScramCredentialsResponse> reply) {
  DescribeUserScramCredentialsResponse response;
  response.error_text = "";
  if (request.users) {
    std::map<std::string_view, int> times;
    for (const auto& user : *request.users) ++times[user.name];
    for (const auto& user : *request.users) {
      const int count = std::exchange(times[user.name], 0);
      if (count == 0) continue;  // answered
      auto& result = response.results.emplace_back();
      result.user = user.name;
      if (count > 1) {
        result.error = ErrorCode::kDuplicateResource;
        result.error_text =
            "Cannot describe SCRAM credentials for the same user twice in a single request: " +
            result.user;
        continue;
      }
      result.error = ErrorCode::kResourceNotFound;
      result.error_text =
          "Attempt to describe a user credential that does not exist: " + result.user;
    }
  }
  reply(response);
}

}  // namespace penstock::broker
