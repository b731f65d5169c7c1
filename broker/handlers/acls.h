#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/acls.h"

// DescribeAcls (key 29), CreateAcls (key 30) and DeleteAcls (key 31), versions 1-3. Everybody may
// do everything, so each is refused as a Kafka without an authorizer does it. They are advertised
// because clients learn from the refusal, not from a missing version, that there are no ACLs.
namespace penstock::broker {

void handle_describe_acls(RequestContext context, protocol::DescribeAclsRequest request,
                          Reply<protocol::DescribeAclsResponse> reply);
void handle_create_acls(RequestContext context, protocol::CreateAclsRequest request,
                        Reply<protocol::CreateAclsResponse> reply);
void handle_delete_acls(RequestContext context, protocol::DeleteAclsRequest request,
                        Reply<protocol::DeleteAclsResponse> reply);

}  // namespace penstock::broker
