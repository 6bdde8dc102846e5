#pragma once

#include "quicksilver/core/clock.hpp"

#include <map>
#include <string>
#include <string_view>

namespace quicksilver {

/// A request to S3 or a service like it, as far as its signature depends on it.
struct AwsRequest {
    std::string method;
    std::string host;  ///< as in the Host header, with a port other than the scheme's
    std::string path;  ///< not encoded, begins with `/`
    std::map<std::string, std::string> query;
    std::map<std::string, std::string> headers;  ///< names in lower case, without `host` and `x-amz-date`
    std::string payload_sha256;                  ///< hexadecimal, or "UNSIGNED-PAYLOAD"
};

struct AwsCredentials {
    std::string access_key_id, secret_access_key, region;
    std::string service = "s3";
};

/// The headers that sign a request (AWS Signature Version 4): `authorization`, `x-amz-date` and
/// `x-amz-content-sha256`. Pure.
std::map<std::string, std::string> sign(const AwsRequest& request, const AwsCredentials& credentials, WallTime now);

/// The path as S3 wants it in the request line and in the signature: everything but letters, digits and `-._~/`
/// encoded.
std::string aws_path(std::string_view path);
/// `name=value&…`, encoded and in order.
std::string aws_query(const std::map<std::string, std::string>& query);

std::string sha256_hex(std::string_view bytes);

}  // namespace quicksilver
