#include "broker/handlers/describe_user_scram_credentials.h"

#include <string>

namespace penstock::broker {

using protocol::DescribeUserScramCredentialsRequest;
using protocol::DescribeUserScramCredentialsResponse;
using protocol::ErrorCode;

void handle_describe_user_scram_credentials(RequestContext /*context*/,
                                            DescribeUserScramCredentialsRequest request,
                                            Reply<DescribeUserScramCredentialsResponse> reply) {
  DescribeUserScramCredentialsResponse response;
  if (request.users) {
    for (const auto& user : *request.users) {
      auto& result = response.results.emplace_back();
      result.user = user.name;
      result.error = ErrorCode::kResourceNotFound;
      result.error_text =
          "Attempt to describe a user credential that does not exist: " + result.user;
    }
  }
  reply(response);
}

}  // namespace penstock::broker
