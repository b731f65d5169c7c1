#include "broker/handlers/acls.h"

namespace penstock::broker {

using protocol::ErrorCode;

namespace {
constexpr const char* kNoAuthorizer = "No Authorizer is configured.";
}  // namespace

void handle_describe_acls(RequestContext /*context*/, protocol::DescribeAclsRequest /*request*/,
                          Reply<protocol::DescribeAclsResponse> reply) {
  protocol::DescribeAclsResponse response;
  response.error = ErrorCode::kSecurityDisabled;
  response.error_text = kNoAuthorizer;
  reply(response);
}

void handle_create_acls(RequestContext /*context*/, protocol::CreateAclsRequest request,
                        Reply<protocol::CreateAclsResponse> reply) {
  protocol::CreateAclsResponse response;
  response.results.assign(request.creations.size(), {ErrorCode::kSecurityDisabled, kNoAuthorizer});
  reply(response);
}

void handle_delete_acls(RequestContext /*context*/, protocol::DeleteAclsRequest request,
                        Reply<protocol::DeleteAclsResponse> reply) {
  protocol::DeleteAclsResponse response;
  response.results.assign(request.filters.size(),
                          {ErrorCode::kSecurityDisabled, kNoAuthorizer, {}});
  reply(response);
}

}  // namespace penstock::broker
